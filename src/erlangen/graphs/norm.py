"""Normalisation of node features: over all nodes, over the nodes of each graph, or over the channels of each node."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Signal
from erlangen.errors import UnknownName
from erlangen.graphs.nodewise import OnNodes, checked, plain
from erlangen.graphs.spmm import spmm


class RowBatchNorm(nn.BatchNorm1d):
    """Plain torch: batch normalisation over rows; fewer than two rows have no variance and use the running one."""

    def forward(self, input: Tensor) -> Tensor:
        """[N, C], normalised by channel."""
        if input.shape[0] > 1 or not self.training:
            return super().forward(input)
        return functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
        )


class GraphNormBody(nn.Module):
    """Plain torch: normalisation within each graph with a learned share of the mean taken off."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.share, self.eps = nn.Parameter(torch.ones(channels)), eps

    def forward(self, signal: Signal) -> Signal:
        """Subtract α times the mean of the graph, divide by the deviation of what is left."""
        x, graph = signal
        member = graph.membership.row
        mean = spmm(graph.membership, x, reduce="mean")
        centred = x - functional.embedding(member, mean * self.share)
        variance = spmm(graph.membership, centred.square(), reduce="mean")
        scale = (variance + self.eps).rsqrt() * self.weight
        return Signal(centred * functional.embedding(member, scale) + self.bias, graph)


class NodeNorm(EquivariantModule):
    """Normalisation that commutes with permutations of the nodes.

    Args:
        field: type of the input and of the output.
        kind: "batch" over all nodes of the batch; "graph" over the nodes of each graph, with a learned share α of the
            mean; "layer" over the channels of each node.

    Law: f(P x) = P f(x); in training too, since statistics over nodes are invariant.
    Source: "graph": Cai et al. 2021, arXiv 2009.03294, equation 6.
    """

    def __init__(self, field: Field, kind: str = "batch") -> None:
        super().__init__(field, field)
        kinds = {"batch": RowBatchNorm, "layer": nn.LayerNorm, "graph": GraphNormBody}
        if kind not in kinds:
            raise UnknownName("normalisation on graphs", kind, kinds)
        body = kinds[kind](field.size)
        self.body = body if kind == "graph" else OnNodes(body)
        self.kind = kind

    def forward(self, signal: Signal) -> Signal:
        """x [N, C], normalised."""
        return self.body(checked(signal, self.in_field, "NodeNorm"))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Two a number."""
        return 2 * shape[0] * self.in_field.size

    def export(self) -> nn.Module:
        """Plain torch normalisation."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{self.kind}, {self.in_field.rep}"
