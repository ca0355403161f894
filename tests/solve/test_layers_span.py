"""Every linear layer of the library reaches exactly the maps that the solver finds: same dimension, same subspace.

The solver is given the whole problem, not the one the layer was built from: on a periodic grid the symmetries are the
shifts as well as the turns, as permutations of all pixels and channels; on a set, all permutations of the nodes.
"""

from collections.abc import Callable
from functools import reduce
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from erlangen import Classify, Graph, Graphs, Grid, Predict, Regress, Segment, Signal
from erlangen.blueprint import EquivariantModule, Field
from erlangen.graphs import GraphConvolution, GraphReadout, NodeLinear, NodeReadout, SetLinear
from erlangen.grids import Conv, DenseReadout
from erlangen.point import EquivariantBilinear, EquivariantLinear, Point, PointReadout
from erlangen.solve import Certificate, invariants, solve, solve_bilinear, solve_kernel
from erlangen.symmetry import Group, group

SAME = 1e-8
Apply = Callable[[EquivariantModule, Tensor], Tensor]


def reached(layer: EquivariantModule, size: int, apply: Apply) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the matrix and of the bias of a layer by each parameter: [p, out·in] and [p, out].

    Args:
        layer: linear in its input and in its parameters.
        size: numbers in one input.
        apply: the layer as a map of rows, [n, size] to [n, out].
    """
    layer = layer.double().eval()
    names = [name for name, _ in layer.named_parameters()]
    zero = {name: torch.zeros_like(p) for name, p in layer.named_parameters()}
    x = torch.cat([torch.zeros(1, size, dtype=torch.float64), torch.eye(size, dtype=torch.float64)])
    maps, biases = [], []
    for name in names:
        for i in range(zero[name].numel()):
            one = zero[name].clone()
            one.view(-1)[i] = 1.0
            y = functional_call(_Applied(layer, apply), {f"layer.{n}": one if n == name else zero[n] for n in names}, x)
            maps.append((y[1:] - y[0]).T.flatten())
            biases.append(y[0])
    return torch.stack(maps).detach().numpy(), torch.stack(biases).detach().numpy()


class _Applied(torch.nn.Module):
    def __init__(self, layer: EquivariantModule, apply: Apply) -> None:
        super().__init__()
        self.layer, self.apply_to_rows = layer, apply

    def forward(self, x: Tensor) -> Tensor:
        return self.apply_to_rows(self.layer, x)


def span(rows: np.ndarray) -> np.ndarray:
    """An orthonormal basis of what some rows span."""
    if not rows.size:
        return rows
    _, values, basis = np.linalg.svd(rows, full_matrices=False)
    return basis[: int((values > 1e-9 * max(values[0], 1e-30)).sum())]


def assert_same_space(mine: np.ndarray, theirs: np.ndarray) -> None:
    """Equal dimension, and every principal angle is zero."""
    a, b = span(mine), span(theirs)
    assert len(a) == len(b), f"dimension {len(a)}, the solver says {len(b)}"
    if len(a):
        cosines = np.linalg.svd(a @ b.T, compute_uv=False)
        assert np.linalg.norm(a - (a @ b.T) @ b, axis=1).max() < SAME
        assert cosines.min() > 1 - SAME


def assert_spans(layer: EquivariantModule, size: int, apply: Apply, hom: Certificate, fixed: Certificate) -> None:
    """The layer reaches all of Hom and all invariant biases, one parameter for each dimension."""
    maps, biases = reached(layer, size, apply)
    assert_same_space(maps, hom.basis.reshape(hom.dim, -1))
    assert_same_space(biases, fixed.basis.reshape(fixed.dim, -1))
    assert len(span(np.hstack([maps, biases]))) == len(maps) == hom.dim + fixed.dim


# grids


def one_hot(field: Field, shape: tuple[int, ...]) -> Tensor:
    size = field.size * int(np.prod(shape))
    return torch.eye(size, dtype=torch.float64).view(size, field.size, *shape)


def motions(field: Field, shape: tuple[int, ...], step: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The generators of shifts ⋊ point group as matrices on all numbers of a periodic signal."""
    x = one_hot(field, shape)
    moved = {name: field.act(g, x) for name, g in field.group.generators.items()}
    moved |= {f"t{axis}": x.roll(step[axis], axis - len(shape)) for axis in range(len(shape))}
    return {name: y.reshape(len(x), -1).T.numpy() for name, y in moved.items()}


def as_permutations(*sides: dict[str, np.ndarray]) -> list[dict[str, list[int]]]:
    """Signed permutation matrices as permutations of the numbers and their negatives, i and i + n."""
    found = []
    for side in sides:
        moves = {}
        for name, matrix in side.items():
            n = len(matrix)
            image = np.abs(matrix).argmax(axis=0)
            negative = matrix[image, np.arange(n)] < 0
            there = image + n * negative
            moves[name] = [*there.tolist(), *((there + n) % (2 * n)).tolist()]
        found.append(moves)
    return found


def crystal(in_field: Field, out_field: Field, shape: tuple[int, ...], out_shape: tuple[int, ...]) -> Group:
    """The group that the shifts and the point group generate, acting on the numbers of input and output at once."""
    steps = tuple(n // m for n, m in zip(shape, out_shape, strict=True))
    before, after = as_permutations(
        motions(in_field, shape, steps), motions(out_field, out_shape, tuple(1 for _ in shape))
    )
    first = 2 * in_field.size * int(np.prod(shape))
    together = {name: [*before[name], *(first + i for i in after[name])] for name in before}
    return Group.from_permutations(together, name="crystal")


PERIODIC = [
    ("C4", 2, "1 trivial", "1 regular", {"kernel_size": 3}, (5, 5)),
    ("D4", 2, "1 trivial", "1 standard + 1 trivial", {"kernel_size": 3}, (5, 5)),
    ("D4", 2, "1 standard", "1 regular", {"kernel_size": 3}, (4, 4)),
    ("D4", 2, "1 regular", "1 trivial", {"kernel_size": 1}, (3, 3)),
    ("D2", 2, "2 trivial", "1 sign + 1 trivial", {"kernel_size": (3, 5)}, (5, 7)),
    ("C2", 2, "1 regular", "2 trivial", {"kernel_size": 5}, (7, 7)),
    ("C4", 2, "1 trivial", "2 trivial", {"kernel_size": 3, "dilation": 2}, (7, 7)),
    ("C4", 2, "1 regular", "1 regular", {"kernel_size": 4, "stride": 2, "padding": 1}, (6, 6)),
    ("D4", 2, "2 trivial", "1 regular", {"kernel_size": 3, "stride": 3, "padding": 0}, (9, 9)),
    ("C1", 2, "1 trivial", "2 trivial", {"kernel_size": 3}, (5, 5)),
    ("D1", 1, "1 regular", "1 trivial + 1 regular", {"kernel_size": 5}, (9,)),
    ("C4", 3, "1 trivial", "1 trivial", {"kernel_size": 3}, (5, 5, 5)),
]


@pytest.mark.parametrize(("name", "d", "a", "b", "options", "shape"), PERIODIC)
def test_periodic_convolutions(name: str, d: int, a: str, b: str, options: dict, shape: tuple[int, ...]) -> None:
    """On a torus: all maps that commute with shifts and turns, and reach no further than the stencil."""
    fields = [Grid(d).field(name, rep) for rep in (a, b)]
    conv = Conv(*fields, padding_mode="circular", **options)

    def rows(layer: EquivariantModule, x: Tensor) -> Tensor:
        return layer(x.view(len(x), fields[0].size, *shape)).flatten(1)

    out_shape = conv.out_shape(shape)
    torus = crystal(*fields, shape, out_shape)
    before = torus.representation(motions(fields[0], shape, conv.stride))
    after = torus.representation(motions(fields[1], out_shape, (1,) * d))
    mask = np.kron(np.ones((fields[1].size, fields[0].size)), stencil(conv, shape)) > 0
    hom = solve(before, after, mask=mask)
    assert_spans(conv, before.size, rows, hom, invariants(after))


def stencil(conv: Conv, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixel may depend on which: [pixels out, pixels in] on a torus."""
    axes = []
    for axis, (n, m) in enumerate(zip(shape, conv.out_shape(shape), strict=True)):
        near = np.zeros((m, n))
        for i, tap in product(range(m), range(conv.kernel_size[axis])):
            near[i, (i * conv.stride[axis] - conv.padding[axis] + tap * conv.dilation[axis]) % n] = 1
        axes.append(near)
    return reduce(np.kron, axes)


def test_the_comparison_can_fail() -> None:
    """A stencil one size too large, or channels that do not turn along, are noticed."""
    field = Grid(2).field("C4", "1 trivial")
    conv, wide = Conv(field, field, 3, padding_mode="circular"), Conv(field, field, 5, padding_mode="circular")
    torus = crystal(field, field, (5, 5), (5, 5))
    rep = torus.representation(motions(field, (5, 5), (1, 1)))

    def rows(layer: EquivariantModule, x: Tensor) -> Tensor:
        return layer(x.view(len(x), 1, 5, 5)).flatten(1)

    hom = solve(rep, rep, mask=stencil(wide, (5, 5)) > 0)
    with pytest.raises(AssertionError, match="dimension 3, the solver says 7"):
        assert_spans(conv, 25, rows, hom, invariants(rep))
    maps, _ = reached(conv, 25, rows)
    turned = maps.copy()
    turned[:, :7] = turned[:, 7:14]
    with pytest.raises(AssertionError):
        assert_same_space(turned, maps)


KERNELS = [
    (name, a, b, kernel)
    for name in ("C1", "C2", "C4", "D1", "D2", "D4")
    for a, b in pairwise(("2 trivial", "1 regular", "1 standard + 1 trivial", "2 regular", "3 trivial"))
    for kernel in (1, 2, 3, 4)
    if not (name in ("C2", "C4", "D1", "D2", "D4") and kernel == 1 and "trivial" in a and "standard" in b)
]


@pytest.mark.parametrize(("name", "a", "b", "kernel"), KERNELS)
def test_kernels(name: str, a: str, b: str, kernel: int) -> None:
    """The kernel of a convolution at one place: all solutions of K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹."""
    fields = [Grid(2).field(name, rep) for rep in (a, b)]
    conv = Conv(*fields, kernel, padding=0, bias=False).double()
    found = solve_kernel((kernel, kernel), fields[0].group, fields[0].rep, fields[1].rep)
    kernels = []
    for i, weight in enumerate(conv.weights):
        for j in range(weight.numel()):
            one = [torch.zeros_like(w) for w in conv.weights]
            one[i].view(-1)[j] = 1.0
            kernels.append(conv.expand(one).flatten().numpy())
    assert len(kernels) == found.dim == conv.hom_dimension()
    assert_same_space(np.stack(kernels), found.basis.reshape(found.dim, -1))


@pytest.mark.parametrize("out", ["1 trivial", "1 standard + 1 trivial", "1 regular"])
def test_dense_readouts(out: str) -> None:
    field = Grid(2).field("D4", "1 regular + 1 standard")
    head = DenseReadout(field, Predict(out))
    fixed = invariants(head.out_field.rep)

    def rows(layer: EquivariantModule, x: Tensor) -> Tensor:
        return layer(x[:, :, None, None]).flatten(1)

    assert_spans(head, field.size, rows, solve(field.rep, head.out_field.rep), fixed)


# sets and graphs


def on_graph(graph: Graph, channels: int) -> Apply:
    """A layer on graphs as a map of rows, node by node."""

    def rows(layer: EquivariantModule, x: Tensor) -> Tensor:
        found = [layer(Signal(row.view(-1, channels), graph)) for row in x]
        return torch.stack([(y if isinstance(y, Tensor) else y.x).flatten() for y in found])

    return rows


@pytest.mark.parametrize(("nodes", "c_in", "c_out"), [(2, 1, 1), (4, 2, 3), (5, 1, 2)])
def test_set_layers(nodes: int, c_in: int, c_out: int) -> None:
    """SetLinear is all of Hom_S(n); NodeLinear is what does not mix the nodes."""
    sn = group(f"S{nodes}")
    before, after = sn.standard * (c_in * sn.trivial), sn.standard * (c_out * sn.trivial)
    graph = Graph.from_edges(torch.zeros(2, 0, dtype=torch.long), nodes)
    fields = [Graphs().field(None, c) for c in (c_in, c_out)]
    size, apply = nodes * c_in, on_graph(graph, c_in)
    assert_spans(SetLinear(*fields), size, apply, solve(before, after), invariants(after))
    alone = np.kron(np.eye(nodes), np.ones((c_out, c_in))) > 0
    assert_spans(NodeLinear(*fields), size, apply, solve(before, after, mask=alone), invariants(after))


@pytest.mark.parametrize("normalise", ["symmetric", "mean", "sum"])
def test_graph_convolutions(normalise: str) -> None:
    """On a complete graph and on a ring: equivariant under the automorphisms, inside Hom, and of rank c_in c_out."""
    for automorphisms, edges in (
        ({"swap": "(0 1)", "cycle": "(0 1 2 3)"}, [(i, j) for i in range(4) for j in range(i)]),
        ({"turn": "(0 1 2 3 4)", "flip": "(1 4)(2 3)"}, [(i, (i + 1) % 5) for i in range(5)]),
    ):
        moves = Group.from_permutations(automorphisms)
        nodes = moves.standard.size
        graph = Graph.from_edges(torch.tensor(edges).T, nodes, undirected=True)
        before, after = (moves.standard * (c * moves.trivial) for c in (2, 3))
        hom = solve(before, after)
        layer = GraphConvolution(Graphs().field(None, 2), Graphs().field(None, 3), normalise=normalise)
        maps, biases = reached(layer, 2 * nodes, on_graph(graph, 2))
        basis = hom.basis.reshape(hom.dim, -1)
        mine = span(maps)
        assert len(mine) == 6 < hom.dim
        assert np.linalg.norm(mine - (mine @ basis.T) @ basis, axis=1).max() < SAME
        assert_same_space(biases, invariants(after).basis.reshape(3, -1))


def test_graph_readouts() -> None:
    """A linear head on the sum of the nodes is every invariant linear map; one on nodes is a NodeLinear."""
    sn = group("S4")
    before = sn.standard * (2 * sn.trivial)
    graph = Graph.from_edges(torch.zeros(2, 0, dtype=torch.long), 4)
    field, apply = Graphs().field(None, 2), on_graph(graph, 2)
    head = GraphReadout(field, Regress(3), pool="sum", channels=0)
    after = 3 * sn.trivial
    assert_spans(head, 8, apply, solve(before, after), invariants(after))
    after = sn.standard * (3 * sn.trivial)
    alone = np.kron(np.eye(4), np.ones((3, 2))) > 0
    dense = NodeReadout(field, Segment(3))
    assert_spans(dense, 8, apply, solve(before, after, mask=alone), invariants(after))


# points


POINTS = [
    ("D4", "2 standard + 1 trivial", "1 standard + 1 regular"),
    ("S4", "standard*standard", "standard*standard"),
    ("C5", "1 regular + 2 trivial", "standard*standard"),
    ("SO(3)", "2 standard + 1 trivial", "standard*standard + 2 trivial"),
    ("O(3)", "standard*standard", "standard*standard + 1 trivial"),
    ("SO(1,3)", "standard*standard", "dual(standard)*dual(standard)"),
]


@pytest.mark.parametrize(("name", "a", "b"), POINTS)
def test_linear_layers_of_any_group(name: str, a: str, b: str) -> None:
    g = group(name)
    fields = [Point().field(g, rep) for rep in (a, b)]
    layer = EquivariantLinear(*fields)
    found = solve(fields[0].rep, fields[1].rep, seed=5)
    assert_spans(layer, fields[0].size, lambda m, x: m(x), found, invariants(fields[1].rep))


def test_linear_layers_of_somebodys_own_group() -> None:
    g = Group.from_permutations({"turn": "(0 1 2)(3 4 5)", "swap": "(0 3)(1 4)(2 5)"})
    field = Point().field(g, "standard*standard")
    layer = EquivariantLinear(field, field)
    assert_spans(layer, 36, lambda m, x: m(x), solve(field.rep, field.rep), invariants(field.rep))


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [
        ("SO(3)", "2 standard + 1 trivial", "standard + 1 trivial"),
        ("O(3)", "2 standard", "standard*standard"),
        ("S3", "standard", "standard + 2 trivial"),
        ("D4", "1 regular + 1 standard", "1 standard + 1 trivial"),
        ("SO(1,3)", "2 standard", "2 trivial"),
    ],
)
def test_bilinear_layers(name: str, a: str, b: str) -> None:
    """x ↦ B(x, x): all of Hom(ρ ⊗ ρ, ρ_out) that does not vanish on the diagonal, one parameter for each map."""
    fields = [Point().field(name, rep) for rep in (a, b)]
    layer = EquivariantBilinear(*fields).double()
    n, out = fields[0].size, fields[1].size
    i, j = np.triu_indices(n)
    x = torch.zeros(len(i), n, dtype=torch.float64)
    x[np.arange(len(i)), i] += 1.0
    x[np.arange(len(i)), j] += 1.0
    hom = solve_bilinear(fields[0].rep, fields[0].rep, fields[1].rep).basis.reshape(-1, out, n, n)
    squares = np.einsum("doab,ka,kb->dok", hom, x.numpy(), x.numpy())  # a quadratic map by its values on e_i + e_j
    state = {key: torch.zeros_like(p) for key, p in layer.named_parameters()}
    values = []
    for key, p in layer.named_parameters():
        for k in range(p.numel()):
            one = torch.zeros_like(p)
            one.view(-1)[k] = 1.0
            values.append(functional_call(layer, state | {key: one}, (x,)).T.flatten().detach().numpy())
    assert len(span(np.stack(values))) == len(values) == layer.hom_dimension()
    assert_same_space(np.stack(values), squares.reshape(len(squares), -1))


def test_heads_of_points() -> None:
    field = Point().field("D4", "2 regular + 1 trivial")
    head = PointReadout(field, Classify(3), rank=0)
    out = head.out_field.rep
    assert_spans(head, field.size, lambda m, x: m(x), solve(field.rep, out), invariants(out))
