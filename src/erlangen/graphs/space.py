"""`Graphs`: the domain of all graphs and sets, with the permutations of their nodes."""

from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Action, EquivariantModule, Field, Recipe, Sequential, Signal, Space, Task, register_space
from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.graphs.architectures import recipe_for
from erlangen.graphs.convolution import GraphConvolution
from erlangen.graphs.graph import Graph
from erlangen.graphs.message import GraphIsomorphism, MessagePassing
from erlangen.graphs.nodewise import NodeLinear, SetLinear
from erlangen.graphs.nonlinearity import NodeActivation
from erlangen.graphs.norm import NodeNorm
from erlangen.graphs.readout import GraphReadout, NodeReadout
from erlangen.symmetry import Group, Permutations, Representation

LAYERS: dict[str, type[EquivariantModule]] = {
    "convolution": GraphConvolution,
    "isomorphism": GraphIsomorphism,
    "message": MessagePassing,
    "node": NodeLinear,
    "set": SetLinear,
}
GROUP_NAMES = ("Σn", "Sn", "S_n", "permutations")


class Graphs(Space):
    """All graphs, with or without edges, under the permutations Σn of their nodes; every signal brings its own graph.

    Args:
        nodes: number of nodes of a typical graph, for plans; signals may have any.
        edges: number of directed edges of a typical graph, for plans.

    Law: (p·x)_p(u) = x_u and (p·A)_p(v)p(u) = A_vu.
    """

    name = "graph"

    def __init__(self, nodes: int | None = None, edges: int | None = None) -> None:
        for what, n in (("nodes", nodes), ("edges", edges)):
            if n is not None and n < 0:
                raise DomainError(f"a graph cannot have {n} {what}")
        self.nodes, self.edges = nodes, edges

    # the blueprint

    def act(self, g: Tensor, signal: Signal, rep: Representation | None = None) -> Signal:
        """Rename the nodes: node u goes to place g[u], with its features and its edges."""
        g = torch.as_tensor(g, device=signal.x.device)
        moved = signal.on.permute(g)
        return Signal(signal.x[torch.argsort(g)], moved)

    def linear(
        self, in_field: Field, out_field: Field, *, kind: str = "convolution", **local: Any
    ) -> EquivariantModule:
        """B: one hop over the edges.

        Args:
            in_field: type of the input.
            out_field: type of the output.
            kind: "convolution", "isomorphism", "message", "node" (no hop) or "set" (all nodes of a graph).
            local: options of that layer.

        Raises:
            UnknownName: no layer has this name.
            FieldError: the layer does not have that option.
        """
        if kind not in LAYERS:
            raise UnknownName("layer on graphs", kind, LAYERS)
        return _built(LAYERS[kind], in_field, out_field, **local)

    def nonlinearity(self, field: Field, name: str = "relu") -> EquivariantModule:
        """σ: pointwise."""
        return NodeActivation(field, name)

    def coarsen(self, field: Field, **options: Any) -> EquivariantModule:
        """P: not offered, since choosing which nodes to merge needs a tie-break that permutations must respect.

        Raises:
            DomainError: always; the message says what to do instead.
        """
        raise DomainError(
            "graphs have no local pooling here: which nodes merge would depend on how ties are broken, and the law "
            "f(P x, P A Pᵀ) = P f(x, A) would fail on symmetric graphs. Fix: derive without coarsen_after; the readout "
            "pools over all nodes"
        )

    def readout(self, field: Field, task: Task, **options: Any) -> EquivariantModule:
        """A: one answer a graph, or one a node for dense tasks.

        Args:
            field: type of the input.
            task: what to predict.
            options: of `GraphReadout` (pool, channels, dropout) or `NodeReadout` (head, dropout).
        """
        return _built(NodeReadout if task.dense else GraphReadout, field, task, **options)

    # around it

    def norm(self, field: Field, kind: str = "batch") -> EquivariantModule:
        """Batch, graph or layer normalisation of node features."""
        return NodeNorm(field, kind)

    def block(
        self, in_field: Field, out_field: Field, *, norm: str | None = "batch", activation: str = "relu", **local: Any
    ) -> EquivariantModule:
        """σ ∘ norm ∘ B.

        Args:
            in_field: type of the input.
            out_field: type of the output.
            norm: "batch", "graph", "layer", or None for none.
            activation: the nonlinearity.
            local: kind and options of the linear layer (see `linear`).
        """
        steps = [self.linear(in_field, out_field, **local)]
        if norm is not None:
            steps.append(self.norm(out_field, norm))
        return Sequential(*steps, self.nonlinearity(out_field, activation))

    def recipe(self, size: str, field: Field, task: Task) -> Recipe:
        """Convolutions with dropout for nodes, isomorphism layers with sum pooling for graphs."""
        return recipe_for(size, task)

    def symmetries(self, name: str | None = None) -> Group:
        """The permutations Σn.

        Raises:
            DomainError: any other group.
        """
        if name is None or name in GROUP_NAMES:
            return Permutations()
        raise DomainError(
            f"graphs have the symmetry group Σn (permutations of the nodes), not {name}. Fix: field(None, …)"
        )

    def sample_signal(self, field: Field, batch: int = 2, generator: torch.Generator | None = None) -> Signal:
        """White noise on a batch of random undirected graphs of different sizes; the last node of each is isolated."""
        from erlangen.graphs.batch import batch_graphs

        nodes, edges = self.nominal_shape() if self.nodes is not None else (12, 48)
        graphs = []
        for i in range(batch):
            n = max(1, nodes - i)
            ends = torch.randint(max(1, n - 1), (2, max(0, edges // 2 - i)), generator=generator)
            graphs.append(Graph.from_edges(ends[:, ends[0] != ends[1]], n, undirected=True))
        on = batch_graphs(graphs) if graphs else Graph.nothing()
        return Signal(torch.randn(on.num_nodes, field.size, generator=generator), on)

    def actions(
        self, group: Group, signal: Signal, count: int = 8, generator: torch.Generator | None = None
    ) -> list[Action]:
        """Permutations of the nodes (swap and cycle, which generate Σn, then random ones), and edge shuffles.

        Args:
            group: Σn.
            signal: what will be moved; on a batch every graph is permuted within itself.
            count: how many permutations in all, at least the two generators.
            generator: source of randomness.
        """
        sizes = signal.on.graph_ptr.diff().tolist()
        named = [("swap", _swap), ("cycle", _cycle)]
        moves = [self._permutation(label, _within(sizes, make), True) for label, make in named]
        for i in range(max(0, count - len(moves))):
            p = _within(sizes, lambda n: torch.randperm(n, generator=generator))
            moves.append(self._permutation(f"random {i + 1}", p, False))
        for i in range(2):
            seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
            moves.append(Action(f"edge shuffle {i + 1}", "edge order", True, _shuffle(seed)))
        return moves

    def _permutation(self, label: str, p: Tensor, generates: bool) -> Action:
        back = torch.argsort(p)

        def move(signal: Signal, rep: Representation | None) -> Signal:
            return self.act(p, signal, rep)

        def undo(signal: Signal, rep: Representation | None) -> Signal:
            return self.act(back, signal, rep)

        return Action(label, "permutation", True, move, generates, undo=undo)

    def nominal_shape(self) -> tuple[int, ...]:
        """(nodes, edges): what was declared, else 32 nodes of degree 4."""
        nodes = 32 if self.nodes is None else self.nodes
        return nodes, 4 * nodes if self.edges is None else self.edges

    def describe(self) -> dict[str, Any]:
        """{"domain": "graph"}, with the typical sizes where they were declared."""
        sizes = {"nodes": self.nodes, "edges": self.edges}
        return {"domain": "graph", **{k: v for k, v in sizes.items() if v is not None}}

    def concatenate(self, finer: Signal, coarser: Signal) -> Signal:
        """Join the channels of two signals on the same graph."""
        if finer.x.shape[0] != coarser.x.shape[0]:
            raise DomainError(
                f"two signals to join need the same nodes, got {finer.x.shape[0]} and {coarser.x.shape[0]}"
            )
        return Signal(torch.cat([finer.x, coarser.x], dim=1), finer.on)

    def __repr__(self) -> str:
        sizes = [f"{k}={v}" for k, v in (("nodes", self.nodes), ("edges", self.edges)) if v is not None]
        return f"Graphs({', '.join(sizes)})"


def _swap(n: int) -> Tensor:
    return torch.tensor([1, 0, *range(2, n)] if n > 1 else list(range(n)), dtype=torch.long)


def _cycle(n: int) -> Tensor:
    return torch.arange(n).roll(-1)


def _within(sizes: list[int], make: Any) -> Tensor:
    """The same kind of permutation inside every graph of a batch."""
    parts, start = [], 0
    for n in sizes:
        parts.append(make(n) + start)
        start += n
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long)


def _shuffle(seed: int) -> Any:
    def move(signal: Signal, rep: Representation | None) -> Signal:
        return Signal(signal.x, signal.on.shuffle_edges(torch.Generator().manual_seed(seed)))

    return move


def _built(layer: type[EquivariantModule], *fields: Any, **options: Any) -> EquivariantModule:
    """Build a layer; an option it does not have is an error that lists those it has."""
    from inspect import signature

    known = [n for n, p in signature(layer.__init__).parameters.items() if p.kind is p.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            raise FieldError(f"{layer.__name__} has no option {name!r}. It has: {', '.join(known)}")
    return layer(*fields, **options)


register_space("graph", Graphs)
