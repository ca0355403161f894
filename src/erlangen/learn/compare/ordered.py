"""A graph network that reads the order of the nodes, as storage happens to have it: the plain arm on graphs."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import Signal
from erlangen.learn.metrics import output_tensor

PLACES = 32


class NodeOrder(nn.Module):
    """A network on graphs whose nodes also show their place in the list, so that relabelling changes the answer.

    It can do all that the network inside can, and tell nodes apart that look alike; what it lacks is the symmetry.

    Args:
        network: takes signals with `PLACES` more channels.
        shuffled: draw the places anew in every training step: what augmentation by relabelling amounts to, since the
            network inside does not see the order.

    Source: Murphy, Srinivasan, Rao and Ribeiro 2019, arXiv 1903.02541, section 2 (node identifiers as features, and
        training on random orders).
    """

    def __init__(self, network: nn.Module, shuffled: bool = False) -> None:
        super().__init__()
        self.network, self.shuffled = network, shuffled

    def forward(self, signal: Signal) -> Any:
        """The answer to the signal with the places of its nodes attached."""
        return self.read(signal, random_places(signal.on) if self.shuffled and self.training else places(signal.on))

    def read(self, signal: Signal, place: Tensor) -> Any:
        """The answer when the nodes show these places, [N]."""
        shown = functional.one_hot(place % PLACES, PLACES).to(signal.x)
        return self.network(Signal(torch.cat([signal.x, shown], dim=1), signal.on))

    def extra_repr(self) -> str:
        """Whether the order is drawn anew."""
        return f"shuffled={self.shuffled}"


def places(on: Any) -> Tensor:
    """The place of every node in its own graph, [N], counted from 0."""
    starts = on.graph_ptr[:-1]
    return torch.arange(on.num_nodes, device=starts.device) - starts.repeat_interleave(on.graph_ptr.diff())


def random_places(on: Any, generator: torch.Generator | None = None) -> Tensor:
    """The places of every graph in random order, [N]."""
    sizes = on.graph_ptr.diff().tolist()
    return (
        torch.cat([torch.randperm(n, generator=generator) for n in sizes]).to(on.graph_ptr.device)
        if sizes
        else places(on)
    )


class OrderAverage(nn.Module):
    """A network that reads the order of the nodes, averaged over random orders.

    Args:
        model: the network.
        orders: how many.

    Law: the average over all n! orders is invariant; that over a sample is so in expectation. The orders are drawn
        anew from the same seed in every call, so that the same signal has the same answer.

    Source: Murphy, Srinivasan, Rao and Ribeiro 2019, arXiv 1903.02541, section 2.
    """

    def __init__(self, model: NodeOrder, orders: int) -> None:
        super().__init__()
        self.model, self.orders = model, orders

    def forward(self, signal: Signal) -> Tensor:
        """The mean of the answers."""
        draws = torch.Generator().manual_seed(0)
        orders = (random_places(signal.on, draws) for _ in range(self.orders))
        answers = [output_tensor(self.model.read(signal, order)) for order in orders]
        return torch.stack(answers).mean(0)
