"""The sparse product: against dense matrices, its derivatives of every kind, types, empty inputs, and errors."""

import pytest
import torch
from make import CORNERS, dense, random_edges
from torch.autograd import gradcheck, gradgradcheck

from erlangen.errors import DomainError, FieldError
from erlangen.graphs import Graph, Pattern, sddmm, spmm

GRAPHS = pytest.mark.parametrize("graph", CORNERS.values(), ids=CORNERS)


def reference(graph: Graph, x: torch.Tensor, weight: torch.Tensor | None, reduce: str) -> torch.Tensor:
    """The definition, edge by edge."""
    source, target = graph.edge_index()
    message = x[source] if weight is None else x[source] * weight[:, None]
    rows = []
    for v in range(graph.num_nodes):
        mine = message[target == v]
        if len(mine) == 0:
            rows.append(torch.zeros(x.shape[1], dtype=x.dtype))
        else:
            rows.append({"sum": mine.sum(0), "mean": mine.mean(0), "max": mine.amax(0)}[reduce])
    return torch.stack(rows) if rows else x.new_zeros(0, x.shape[1])


@GRAPHS
@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_equals_the_definition(graph, reduce, weighted, dtype, limit):
    x = torch.randn(graph.num_nodes, 3, dtype=torch.float64).to(dtype)
    weight = torch.randn(graph.num_edges, dtype=torch.float64).to(dtype) if weighted else None
    y = spmm(graph.pattern, x, weight, reduce)
    want = reference(graph, x.double(), None if weight is None else weight.double(), reduce)
    assert y.dtype == dtype
    assert y.shape == want.shape
    assert (y.double() - want).abs().max().item() <= limit * max(1.0, want.abs().max().item()) if y.numel() else True


@GRAPHS
@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
def test_derivatives_of_first_and_second_order(graph, reduce):
    x = torch.randn(graph.num_nodes, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(graph.num_edges, dtype=torch.float64, requires_grad=True)

    def product(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return spmm(graph.pattern, x, weight, reduce)

    assert gradcheck(product, (x, weight), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(product, (x, weight), check_fwd_over_rev=True)


@GRAPHS
def test_the_diagonal_is_a_self_loop(graph):
    x = torch.randn(graph.num_nodes, 2, dtype=torch.float64, requires_grad=True)
    loops = torch.rand(graph.num_nodes, dtype=torch.float64, requires_grad=True)
    want = (dense(graph) + torch.diag(loops)) @ x
    assert torch.allclose(spmm(graph.pattern, x, diagonal=loops), want, atol=1e-12)
    assert gradcheck(lambda x, d: spmm(graph.pattern, x, diagonal=d), (x, loops), check_forward_ad=True)
    assert gradgradcheck(lambda x, d: spmm(graph.pattern, x, diagonal=d), (x, loops))


@GRAPHS
def test_sampled_products(graph):
    q = torch.randn(graph.num_nodes, 3, dtype=torch.float64, requires_grad=True)
    k = torch.randn(graph.num_nodes, 3, dtype=torch.float64, requires_grad=True)
    source, target = graph.edge_index()
    assert torch.allclose(sddmm(graph.pattern, q, k), (q[target] * k[source]).sum(1), atol=1e-12)
    assert gradcheck(lambda q, k: sddmm(graph.pattern, q, k), (q, k), check_forward_ad=True)
    assert gradgradcheck(lambda q, k: sddmm(graph.pattern, q, k), (q, k), check_fwd_over_rev=True)


def test_jacobians_by_rows_and_by_columns():
    graph, x, k = CORNERS["directed multigraph"], torch.randn(7, 2), torch.randn(7, 2)
    weight = torch.rand(graph.num_edges)
    functions = [
        (lambda x, w: spmm(graph.pattern, x, w), (x, weight)),
        (lambda x, w: spmm(graph.pattern, x, w, "max"), (x, weight)),
        (lambda q, k: sddmm(graph.pattern, q, k), (x, k)),
    ]
    for function, inputs in functions:
        for i in range(2):
            rows, columns = (j(function, argnums=i)(*inputs) for j in (torch.func.jacrev, torch.func.jacfwd))
            assert torch.allclose(rows, columns, atol=1e-6)
            assert rows.abs().sum() > 0


def test_a_declared_symmetry_changes_the_route_but_not_the_gradient():
    graph = Graph.from_edges(random_edges(20, 40), 20, undirected=True)
    x = torch.randn(20, 3, dtype=torch.float64, requires_grad=True)
    a, b = torch.rand(20, dtype=torch.float64), graph.edge_index()
    weight = a[b[0]] * a[b[1]]
    pull = torch.randn(20, 3, dtype=torch.float64)
    slow, fast = (
        torch.autograd.grad(spmm(graph.pattern, x, weight, symmetric=flag), x, pull)[0] for flag in (False, True)
    )
    assert torch.allclose(slow, fast, atol=1e-12)


def test_rectangular_patterns():
    row, col = torch.tensor([0, 1, 1, 3]), torch.tensor([4, 0, 2, 4])
    pattern, order = Pattern.from_coordinates(row, col, 4, 5, symmetric=False)
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, dtype=torch.float64)[order].requires_grad_()
    matrix = torch.zeros(4, 5, dtype=torch.float64)
    matrix[pattern.row.long(), pattern.col.long()] = weight.detach()
    assert torch.allclose(spmm(pattern, x, weight), matrix @ x)
    assert gradcheck(lambda x, w: spmm(pattern, x, w), (x, weight))
    with pytest.raises(FieldError, match="square"):
        spmm(pattern, x, diagonal=torch.ones(4))


@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
def test_vmap_over_features_weights_and_both(reduce):
    graph = CORNERS["directed multigraph"]
    x, w = torch.randn(4, 7, 3), torch.rand(4, graph.num_edges)
    for over in ((0, None), (None, 0), (0, 0)):
        rows = [
            spmm(graph.pattern, *(t[i] if d == 0 else t[0] for t, d in zip((x, w), over, strict=True)), reduce)
            for i in range(4)
        ]
        given = [t if d == 0 else t[0] for t, d in zip((x, w), over, strict=True)]
        together = torch.vmap(lambda x, w: spmm(graph.pattern, x, w, reduce), in_dims=over)(*given)
        assert torch.allclose(together, torch.stack(rows), atol=1e-6)


def test_the_same_input_gives_the_same_bits():
    graph = Graph.from_edges(random_edges(200, 3000), 200)
    x, w = torch.randn(200, 16), torch.rand(3000)
    assert torch.equal(spmm(graph.pattern, x, w), spmm(graph.pattern, x, w))


def test_no_tensor_of_edges_times_channels_is_saved():
    graph = Graph.from_edges(random_edges(50, 2000), 50)
    x, kept = torch.randn(50, 64, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        spmm(graph.pattern, x, torch.rand(2000, requires_grad=True)).sum().backward()
    assert max(kept) <= max(x.numel(), 2000)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"x": torch.randn(6, 2)}, r"needs features \[7, channels\], got \(6, 2\)"),
        ({"x": torch.ones(7, 2, dtype=torch.long)}, r"Fix: x.float\(\)"),
        ({"weight": torch.ones(3)}, r"one weight an entry, \[30\], got \(3,\)"),
    ],
)
def test_sizes_that_do_not_fit(change, match):
    inputs = {"x": torch.randn(7, 2), "weight": None} | change
    with pytest.raises(FieldError, match=match):
        spmm(CORNERS["directed multigraph"].pattern, **inputs)


def test_an_unknown_reduction():
    with pytest.raises(DomainError, match="Fix: one of sum, mean, max"):
        spmm(CORNERS["set"].pattern, torch.randn(5, 1), reduce="median")
