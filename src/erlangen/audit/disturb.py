"""Small changes of a signal that no group describes: smooth warps, perspective, light, colour, noise, edges, mutations.

Every change has a size; a stable network changes its output no faster than that size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from erlangen.audit.motifs import LETTERS
from erlangen.audit.warps import perspective, smooth_ramp, warp
from erlangen.blueprint import Field, Signal
from erlangen.graphs import Graph
from erlangen.grids import Grid, Strand

Change = Callable[[Any], Any]
SHARES = (0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Disturbance:
    """A kind of small change.

    Args:
        name: "warp", "perspective", "light", "colour", "noise", "edges removed", "edges moved" or "mutations".
        unit: of its size.
        sizes: at which it is tried, growing.
        draw: (size, generator) → the change and the change that undoes it (None if there is none).
        moves: whether it moves points, so that maps in the output move as well; other outputs should stay.
    """

    name: str
    unit: str
    sizes: tuple[float, ...]
    draw: Callable[[float, torch.Generator], tuple[Change, Change | None]]
    moves: bool = False


def disturbances_of(field: Field, signal: Any) -> list[Disturbance]:
    """The small changes that make sense for the signals of a field.

    On grids of any dimension: warps, uneven light and noise; in the plane perspective, and colour where there are three
    channels. On letters of DNA: mutations. On graphs: noise, and edges that are removed or moved. Elsewhere: noise.

    Args:
        field: type of the input.
        signal: an input.
    """
    space, noise = field.space, Disturbance("noise", "of the root mean square", (0.05, 0.1, 0.2, 0.4), _noise)
    if isinstance(signal, Signal):
        edges = [
            Disturbance("edges removed", "share of the edges", SHARES, _fewer_edges),
            Disturbance("edges moved", "share of the edges", SHARES, _other_edges),
        ]
        return [noise, *(edges if signal.on.num_edges else [])]
    if isinstance(space, Strand) and field.size == LETTERS:
        return [Disturbance("mutations", "share of the letters", SHARES, _mutations)]
    if not isinstance(space, Grid) or isinstance(space, Strand):
        return [noise]
    shape = tuple(signal.shape[signal.ndim - space.d :])
    found = [
        Disturbance("warp", "Dirichlet norm of the displacement", (0.05, 0.1, 0.2, 0.3), warp(space, shape), True),
        Disturbance("light", "of full light", (0.1, 0.2, 0.4, 0.6), _light(space.d)),
        noise,
    ]
    if space.d == 2:
        found.insert(1, Disturbance("perspective", "tilt", (0.05, 0.1, 0.2, 0.3), perspective(space.d), True))
    if space.d == 2 and signal.shape[1] == 3 and field.rep.is_trivial:
        found.append(Disturbance("colour", "of the colours", (0.05, 0.1, 0.2, 0.4), _colour))
    return found


def _noise(size: float, generator: torch.Generator) -> tuple[Change, None]:
    """x + s·rms(x)·ξ with ξ white and normal."""
    seed = int(torch.randint(1 << 62, (1,), generator=generator))

    def change(signal: Any) -> Any:
        x = signal.x if isinstance(signal, Signal) else signal
        draw = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
        if isinstance(signal, Signal):
            return Signal(x + size * x.square().mean().sqrt() * draw, signal.on)
        scale = x.reshape(len(x), -1).square().mean(1).sqrt().reshape(-1, *[1] * (x.ndim - 1))
        return x + size * scale * draw

    return change, None


def _light(d: int) -> Callable[[float, torch.Generator], tuple[Change, None]]:
    """x(u)·(1 + s·r(u)) with a smooth r between −1 and 1."""

    def draw(size: float, generator: torch.Generator) -> tuple[Change, None]:
        ramp = smooth_ramp(d, generator)
        return lambda x: x * (1 + size * ramp(tuple(x.shape[-d:])).to(x)), None

    return draw


def _colour(size: float, generator: torch.Generator) -> tuple[Change, None]:
    """(1 + s·R) on the three channels, with R random of Frobenius norm 1."""
    mix = torch.randn(3, 3, generator=generator)
    mix = torch.eye(3) + size * mix / mix.norm()
    return lambda x: torch.einsum("ij,bj...->bi...", mix.to(x), x), None


def _mutations(size: float, generator: torch.Generator) -> tuple[Change, None]:
    """Every letter becomes, with this probability, one of the three others."""
    seed = int(torch.randint(1 << 62, (1,), generator=generator))

    def change(x: Tensor) -> Tensor:
        own = torch.Generator().manual_seed(seed)
        places = (len(x), 1, x.shape[2])
        hit = torch.rand(places, generator=own) < size
        step = torch.where(hit, torch.randint(1, LETTERS, places, generator=own), 0)
        source = (torch.arange(LETTERS)[None, :, None] + step).remainder(LETTERS)
        return x.gather(1, source)

    return change, None


def _fewer_edges(size: float, generator: torch.Generator) -> tuple[Change, None]:
    """Leaves out a share of the edges, both directions of an undirected one together."""
    seed = int(torch.randint(1 << 62, (1,), generator=generator))

    def change(signal: Signal) -> Signal:
        on = signal.on
        keep = ~_chosen(on, size, torch.Generator().manual_seed(seed))
        return Signal(signal.x, _with_edges(on, on.edge_index().long()[:, keep], keep))

    return change, None


def _other_edges(size: float, generator: torch.Generator) -> tuple[Change, None]:
    """Gives a share of the edges two new ends, drawn from the nodes of the same graph."""
    seed = int(torch.randint(1 << 62, (1,), generator=generator))

    def change(signal: Signal) -> Signal:
        on, own = signal.on, torch.Generator().manual_seed(seed)
        edges, moved = on.edge_index().long(), _chosen(on, size, own)
        first = on.graph_ptr.long()
        graph = torch.searchsorted(first[1:], edges[0], right=True)
        low, width = first[graph], (first[1:] - first[:-1])[graph]
        pair = _undirected(on)
        random = torch.rand(2, len(pair), generator=own)[:, pair]
        ends = (low + (random * width).long()).minimum(low + width - 1)
        forwards = edges[0] <= edges[1]
        ends = torch.where(forwards, ends, ends.flip(0))
        edges = torch.where(moved, ends, edges)
        return Signal(signal.x, _with_edges(on, edges, torch.ones_like(moved)))

    return change, None


def _undirected(on: Graph) -> Tensor:
    """A number for every edge, the same for both directions of an undirected one, [E]."""
    edges = on.edge_index().long()
    if not on.symmetric:
        return torch.arange(edges.shape[1])
    key = edges.amin(0) * on.num_nodes + edges.amax(0)
    return key.unique(return_inverse=True)[1]


def _chosen(on: Graph, size: float, generator: torch.Generator) -> Tensor:
    pair = _undirected(on)
    return (torch.rand(len(pair), generator=generator) < size)[pair]


def _with_edges(on: Graph, edges: Tensor, kept: Tensor) -> Graph:
    """The same nodes with other edges."""
    made = Graph.from_edges(
        edges,
        on.num_nodes,
        None if on.weight is None else on.weight[kept],
        edge_features=None if on.edge_features is None else on.edge_features[kept],
    )
    return Graph(made.ptr, made.col, made.weight, edge_features=made.edge_features, graph_ptr=on.graph_ptr)
