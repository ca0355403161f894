"""The switches of "break it": ordinary mistakes, planted one by one in a network that was right."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import Signal

CONVS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


@dataclass(frozen=True)
class Defect:
    """A switch.

    Args:
        title: as the page has it.
        why: what it breaks, in words.
    """

    title: str
    why: str


DEFECTS = {
    "stride": Defect(
        "stride 2 on an even size", "keeps every second pixel; on an even size the kept ones are not centred"
    ),
    "zeros": Defect("zero padding", "the border looks black, so a shifted picture is no longer the same picture"),
    "position": Defect(
        "position embedding", "adds a number of its own at every place, so features know where they are"
    ),
    "ordinary": Defect(
        "ordinary convolution", "one unconstrained layer in the middle mixes the channels of a field freely"
    ),
    "flatten": Defect("flatten head", "every position becomes a channel, and the head weighs each one differently"),
    "order": Defect("read nodes in order", "a recurrent network over the list of nodes: their order matters"),
}


class Place(nn.Module):
    """Adds a parameter with its own value at every place.

    Args:
        like: a signal; the parameter has its shape.
    """

    def __init__(self, like: Any) -> None:
        super().__init__()
        x = like.x if isinstance(like, Signal) else like[0]
        self.place = nn.Parameter(0.7 * float(x.std()) * torch.randn(x.shape))

    def forward(self, x: Any) -> Any:
        """Add it."""
        if isinstance(x, Signal):
            rows = torch.arange(len(x.x)) % len(self.place)  # a batch has more nodes than the graph it was made for
            return Signal(x.x + self.place[rows], x.on)
        return x + self.place


class EverySecond(nn.Module):
    """Keeps every second point along every axis, starting at the first."""

    def forward(self, x: Tensor) -> Tensor:
        """Subsample [B, C, *space]."""
        for axis in range(2, x.ndim):
            x = x[(slice(None),) * axis + (slice(None, None, 2),)]
        return x


class FlattenHead(nn.Module):
    """Every value of the map is a feature of a linear layer.

    Args:
        like: the map.
        classes: outputs.
    """

    def __init__(self, like: Any, classes: int) -> None:
        super().__init__()
        self.rows = like.x.shape[0] if isinstance(like, Signal) else 0
        features = like.x.numel() if isinstance(like, Signal) else like[0].numel()
        self.flatten, self.linear = nn.Flatten(), nn.Linear(features, classes)

    def forward(self, x: Any) -> Tensor:
        """Flatten and map; a graph with other nodes is cut or filled with zeros."""
        return self.linear(self._rows(x) if isinstance(x, Signal) else self.flatten(x))

    def _rows(self, signal: Signal) -> Tensor:
        sizes = signal.on.graph_ptr.diff().tolist()
        rows = [
            nn.functional.pad(part[: self.rows], (0, 0, 0, max(0, self.rows - len(part))))
            for part in signal.x.split(sizes)
        ]
        return torch.stack(rows).flatten(1)


class InOrder(nn.Module):
    """A recurrent network over the nodes as they are listed.

    Args:
        channels: of every node.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.read = nn.GRU(channels, channels)

    def forward(self, signal: Signal) -> Signal:
        """Add what was read so far to every node, graph by graph."""
        sizes = signal.on.graph_ptr.diff().tolist()
        parts = [self.read(part)[0] for part in signal.x.split(sizes)]
        return Signal(signal.x + torch.cat(parts), signal.on)


def broken(steps: list[nn.Module], signal: Any, names: tuple[str, ...], classes: int) -> nn.Module:
    """The same steps with defects planted, as one module.

    Args:
        steps: blocks, poolings, and last the head.
        signal: a sample, which sizes what is planted.
        names: of `DEFECTS`, except "zeros", which is an option of `derive`.
        classes: outputs of the head.
    """
    body, head = [], steps[-1]
    x, blocks, strided = signal, 0, False
    for step in steps[:-1]:
        pooling = "Pool" in type(step).__name__
        if pooling and "stride" in names and not strided:
            step, strided = EverySecond(), True
        planted = [step]
        x = step(x)
        if not pooling:
            blocks += 1
            if blocks == 1 and "position" in names:
                planted.append(Place(x))
            if blocks == 1 and "order" in names:
                planted.append(InOrder(x.x.shape[1]))
            if blocks == 2 and "ordinary" in names:
                c = x.shape[1]
                planted.append(CONVS[x.ndim - 2](c, c, 3, padding=1, padding_mode="circular"))
            for extra in planted[1:]:
                x = extra(x)
        body += planted
    return nn.Sequential(*body, FlattenHead(x, classes) if "flatten" in names else head)
