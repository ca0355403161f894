"""Canonical orders of the nodes of a graph: equal for graphs that differ only by a renaming.

Colours are refined until every node of a colour sees the same colours; where nodes still look alike, one of them is
set apart and the search branches. Branches that a symmetry found so far exchanges are visited once.

Source: McKay and Piperno 2014, arXiv 1301.1493 (individualisation and refinement).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from erlangen.blueprint import Signal

Colours = list[int]
DEEPEST = 200  # nodes set apart one after the other, after which the search gives up


@dataclass(frozen=True)
class CanonicalOrder:
    """How the nodes of one graph are put in order.

    Args:
        places: [N] place[v] of every node.
        alike: [N] the smallest node that a symmetry of the graph takes v to: its orbit.
        complete: whether the search came to its end; otherwise the order is none but a good one.
    """

    places: np.ndarray
    alike: np.ndarray
    complete: bool

    @property
    def symmetric(self) -> bool:
        """Whether the graph has a symmetry other than the identity."""
        return bool((self.alike != np.arange(len(self.alike))).any())


def canonical_order(signal: Signal, limit: int = 256) -> CanonicalOrder:
    """The canonical order of the nodes of one graph.

    Args:
        signal: one graph, with node channels; weights and channels of its edges count too.
        limit: leaves of the search tree, after which it stops.

    Law: the graph with its nodes moved to their places is the same for p·x as for x.
    """
    search = _Search(signal, limit)
    search.visit(search.refined(_ranks(signal.x.detach().cpu().numpy())), [])
    places = np.array(search.best, np.int64)
    return CanonicalOrder(places, np.array(search.orbits([]), np.int64), search.leaves <= limit)


class _Search:
    """The tree of colourings of one graph; a leaf tells all nodes apart, the best leaf is the canonical order."""

    def __init__(self, signal: Signal, limit: int) -> None:
        self.into, self.out = _edges(signal)
        self.limit, self.leaves, self.level = limit, 0, 0  # `level`: how far up the next step is
        self.best: Colours = []
        self.best_form: Any = None
        self.known: dict[Any, tuple[Colours, list[int]]] = {}  # form of a leaf -> its places, its path
        self.symmetries: list[dict[int, int]] = []  # the nodes that a symmetry moves, and where to

    def refined(self, colours: Colours) -> Colours:
        """The coarsest finer colours by which nodes of a colour have alike neighbours."""
        while True:
            keys = [
                (c, *(tuple(sorted((label, colours[u]) for u, label in near)) for near in (into, out)))
                for c, into, out in zip(colours, self.into, self.out, strict=True)
            ]
            rank = {key: i for i, key in enumerate(sorted(set(keys)))}
            if len(rank) == len(set(colours)):
                return [rank[key] for key in keys]
            colours = [rank[key] for key in keys]

    def visit(self, colours: Colours, apart: list[int]) -> None:
        """Search below the node of the tree at which the nodes `apart` are set apart."""
        self.level = depth = len(apart)
        cell = _first_cell(colours)
        if not cell or depth >= DEEPEST:
            self._leaf(colours, apart)
            return
        if all(self._twins(cell[0], w) for w in cell[1:]):  # any order of them gives the same graph
            self.symmetries += [{v: w, w: v} for v, w in pairwise(cell)]
            self.visit(self.refined(_set_apart(colours, cell[:-1])), [*apart, *cell[:-1]])
            self.level = min(self.level, depth)
            return
        self.symmetries += [{v: w, w: v} for i, v in enumerate(cell) for w in cell[i + 1 :] if self._twins(v, w)]
        tried: list[int] = []
        for v in cell:
            orbit = self.orbits(apart)
            if self.leaves > self.limit or any(orbit[v] == orbit[w] for w in tried):
                continue
            tried.append(v)
            self.visit(self.refined(_set_apart(colours, [v])), [*apart, v])
            if self.level < depth:
                return
            self.level = depth

    def orbits(self, apart: list[int]) -> list[int]:
        """[N] the smallest node of the orbit of every node under the known symmetries that keep the nodes `apart`."""
        parent = list(range(len(self.into)))

        def root(v: int) -> int:
            while parent[v] != v:
                v = parent[v]
            return v

        for image in self.symmetries:
            if not any(v in image for v in apart):
                for v, w in image.items():
                    a, b = root(v), root(w)
                    parent[max(a, b)] = min(a, b)
        return [root(v) for v in range(len(parent))]

    def _leaf(self, places: Colours, apart: list[int]) -> None:
        self.leaves += 1
        if len(set(places)) < len(places):  # too deep: by the order in which they came
            self.leaves = self.limit + 1
            place = {v: i for i, v in enumerate(sorted(range(len(places)), key=places.__getitem__))}
            places = [place[v] for v in range(len(places))]
        form = tuple(sorted((places[v], places[u], k) for v, into in enumerate(self.into) for u, k in into))
        if form in self.known:  # a symmetry exchanges the two; what lies below their last common node is known
            before, path = self.known[form]
            at = {place: v for v, place in enumerate(before)}
            self.symmetries.append({v: at[p] for v, p in enumerate(places) if at[p] != v})
            common = (i for i, (v, w) in enumerate(zip(apart, path, strict=False)) if v != w)
            self.level = next(common, min(len(apart), len(path)))
            return
        self.known[form] = (places, apart)
        if self.best_form is None or form < self.best_form:
            self.best, self.best_form = places, form

    def _twins(self, v: int, w: int) -> bool:
        """Whether exchanging two nodes of equal colour changes no edge."""
        swap = {v: w, w: v}
        return all(
            len(near[v]) == len(near[w]) and sorted((swap.get(u, u), k) for u, k in near[v]) == sorted(near[w])
            for near in (self.into, self.out)
        )


def _edges(signal: Signal) -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
    """(neighbour, label) of the edges into every node and of those out of it."""
    on, n = signal.on, len(signal.x)
    labels = [0] * on.num_edges
    values = [] if on.weight is None else [on.weight.detach().double().unsqueeze(1)]
    values += [] if on.edge_features is None else [on.edge_features.detach().double()]
    if values:
        labels = _ranks(torch.cat(values, 1).cpu().numpy())
    into: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    out: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for (u, v), label in zip(on.edge_index().T.tolist(), labels, strict=True):
        into[v].append((u, label))
        out[u].append((v, label))
    return into, out


def _ranks(rows: np.ndarray) -> Colours:
    """The rank of every row among all different rows, in lexicographic order."""
    if not rows.size:
        return [0] * len(rows)
    return np.unique(rows + 0.0, axis=0, return_inverse=True)[1].reshape(-1).tolist()  # + 0.0: no negative zero


def _set_apart(colours: Colours, nodes: list[int]) -> Colours:
    """The nodes, all of one colour, before the others of their colour, in the given order."""
    place = {v: i for i, v in enumerate(nodes)}
    wide = len(nodes) + 1
    return [c * wide + place.get(v, len(nodes)) for v, c in enumerate(colours)]


def _first_cell(colours: Colours) -> list[int]:
    """The nodes of the first colour that several have; empty if all colours differ."""
    cells: dict[int, list[int]] = {}
    for v, c in enumerate(colours):
        cells.setdefault(c, []).append(v)
    return next((cells[c] for c in sorted(cells) if len(cells[c]) > 1), [])
