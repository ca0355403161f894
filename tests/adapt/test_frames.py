"""Frames of vectors: exact for every cloud, also where principal axes are not defined, and continuous when weighted."""

import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import erlangen as eg
from erlangen.adapt import DegenerateFrames, Symmetrized, symmetrize
from erlangen.adapt.frames import PointFrames, apply_each, weighted_axes
from erlangen.blueprint import Field
from erlangen.errors import DomainError

WAYS = ("frames", "canonical", "weighted")


def perceptron(inputs: int, outputs: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 24), nn.Tanh(), nn.Linear(24, outputs)).double()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def error(made: Symmetrized, x: Tensor, count: int = 4) -> float:
    here, field = made(x), made.in_field
    return max(
        float((made(field.act(g, x)) - made.out_field.act(g, here)).detach().abs().max())
        for g in field.group.sample(count, seeded(3))
    )


def tetrahedron() -> Tensor:
    return torch.tensor([[1.0, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]], dtype=torch.float64).reshape(1, 12)


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("group", ["O(2)", "SO(2)", "O(3)", "SO(3)", "SO(4)"])
@pytest.mark.parametrize("out", ["2 trivial", "standard", "standard + trivial"])
def test_vectors_in_and_vectors_or_numbers_out(group: str, out: str, method: str) -> None:
    field = eg.Point().field(group, "4 standard + trivial")
    answer = field.with_rep(out)
    made = symmetrize(perceptron(field.size, answer.size), field, method, out_field=answer)
    x = torch.randn(5, field.size, dtype=torch.float64, generator=seeded(0))
    assert error(made, x) <= 1e-10
    g = field.group.sample(1, seeded(3))[0]
    y = made.model(x).detach()
    assert float((made.model(field.act(g, x)).detach() - answer.act(g, y)).abs().max()) > 1e-2
    d = field.group.degree
    principal = 2**d if group.startswith("O") else 2 ** (d - 1)
    passes = {"frames": principal, "canonical": 1}
    assert made.cost == passes.get(method, made.orbit.fallback)
    assert made.degenerate == 0


def test_higher_representations() -> None:
    """Matrices (standard * standard), pseudovectors and irreps move by their own matrices."""
    field = eg.Point().field("O(3)", "3 standard")
    for rep in ("standard*standard", "irrep(2,0)", "pseudoscalar + standard"):
        out = field.with_rep(rep)
        made = symmetrize(perceptron(9, out.size), field, "frames", out_field=out)
        assert error(made, torch.randn(4, 9, dtype=torch.float64, generator=seeded(1))) <= 1e-9
    g = field.group.sample(5, seeded(2))
    x = torch.randn(5, 9, dtype=torch.float64)
    moved = apply_each(field.with_rep("standard*standard").rep, torch.stack([torch.from_numpy(h) for h in g]), x)
    for i, h in enumerate(g):
        assert torch.allclose(moved[i : i + 1], field.with_rep("standard*standard").act(h, x[i : i + 1]))


@pytest.mark.parametrize("method", ["frames", "canonical"])
@pytest.mark.parametrize("group", ["O(3)", "SO(3)"])
def test_equal_moments_are_found_and_stay_exact(group: str, method: str) -> None:
    field = eg.Point().field(group, "4 standard")
    made = symmetrize(perceptron(12, 3), field, method, out_field=field.with_rep("3 trivial"))
    x = torch.cat([tetrahedron(), torch.randn(2, 12, dtype=torch.float64, generator=seeded(0))])
    with pytest.warns(DegenerateFrames, match=r"1 of 3 inputs have equal principal moments .*weighted frames"):
        here = made(x)
    assert (made.degenerate, made.unresolved, made.seen) == (1, 0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        assert error(made, x) <= 1e-10
    alone = symmetrize(perceptron(12, 3), field, "weighted", out_field=field.with_rep("3 trivial"))
    assert torch.allclose(here[:1], alone(x[:1]), atol=1e-10)


def test_where_no_frame_is_affordable_it_says_so() -> None:
    field = eg.Point().field("O(3)", "4 standard")
    made = symmetrize(perceptron(12, 3), field, "frames", out_field=field.with_rep("3 trivial"), limit=10)
    with pytest.warns(DegenerateFrames, match="lose the symmetry"):
        made(tetrahedron())
    assert made.unresolved == 1
    with pytest.raises(DomainError, match="24 passes, more than limit=10"):
        symmetrize(perceptron(12, 3), field, "weighted", out_field=field.with_rep("3 trivial"), limit=10)


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("group", ["O(3)", "SO(3)"])
def test_flat_straight_and_empty_clouds(group: str, method: str) -> None:
    """In a plane, on a line and nowhere: some axes are free, and an invariant answer does not mind."""
    field = eg.Point().field(group, "4 standard")
    made = symmetrize(perceptron(12, 2), field, method, out_field=field.with_rep("2 trivial"))
    v = torch.randn(4, 3, 4, dtype=torch.float64, generator=seeded(0)).mT
    v[0, :, 2] = 0.0
    v[1, :, 1:] = 0.0
    v[2] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateFrames)
        assert error(made, v.reshape(4, 12)) <= 1e-9
    vector = symmetrize(perceptron(12, 3), field, method, out_field=field.with_rep("standard"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateFrames)
        assert error(vector, v[:1].reshape(1, 12)) <= 1e-9  # a plane leaves no axis free


def test_weighted_frames_are_continuous_where_principal_axes_jump() -> None:
    field = eg.Point().field("SO(2)", "3 standard")
    model, out = perceptron(6, 2), field.with_rep("2 trivial")
    angles = torch.tensor([0.0, 120.0, 240.0], dtype=torch.float64).deg2rad()
    regular = torch.stack([angles.cos(), angles.sin()], 1).reshape(1, 6)
    bumps = 1e-2 * torch.randn(64, 6, dtype=torch.float64, generator=seeded(0))
    jumps = {}
    for method in ("canonical", "weighted"):
        made = symmetrize(model, field, method, out_field=out)
        answers = made(regular + bumps).detach()
        jumps[method] = float((answers - answers.mean(0)).abs().max())
    assert jumps["weighted"] < 0.05 < jumps["canonical"]
    nearer = symmetrize(model, field, "weighted", out_field=out)
    with torch.no_grad():
        gap = [float((nearer(regular + s * bumps) - nearer(regular)).abs().max()) for s in (1.0, 0.1, 0.01)]
    assert gap[2] < 0.2 * gap[1] < 0.04 * gap[0] * 5


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(2, 5), st.integers(0, 10**6), st.booleans())
def test_weighted_axes_are_orthonormal_turn_along_and_weigh_one(d: int, n: int, seed: int, reflections: bool) -> None:
    if n < d - 1:
        return
    v = torch.randn(2, n, d, dtype=torch.float64, generator=seeded(seed))
    v[1, 0] = 0.0
    axes, weights = weighted_axes(v, reflections)
    used = axes[weights > 0]  # a vector of length zero makes no axis, and weighs nothing
    assert torch.allclose(used.mT @ used, torch.eye(d, dtype=torch.float64).expand_as(used), atol=1e-9)
    assert torch.allclose(weights.sum(1), torch.ones(2, dtype=torch.float64), atol=1e-9)
    if not reflections:
        assert torch.allclose(torch.linalg.det(used), torch.ones((), dtype=torch.float64), atol=1e-9)


def test_chunks_gradients_and_float32() -> None:
    field = eg.Point().field("O(3)", "4 standard")
    out: Field = field.with_rep("2 trivial")
    model: Any = perceptron(12, 2).float()
    x = torch.randn(6, 12, generator=seeded(0)).requires_grad_()
    for method in WAYS:
        whole = symmetrize(model, field, method, out_field=out)
        assert torch.allclose(symmetrize(model, field, method, out_field=out, chunk=3)(x), whole(x), atol=1e-6)
        model.zero_grad()
        whole(x).sum().backward()
        assert bool(model[0].weight.grad.any())
        assert error(whole, x.detach()) <= 1e-4
        assert whole(x[:0]).shape == (0, 2)


def test_frames_are_for_vectors() -> None:
    for field in (eg.Point().field("SO(3)", "4 trivial"), eg.Point().field("U(2)", "standard"), eg.Grid(2).field("D4")):
        with pytest.raises(DomainError, match="frames need vectors"):
            PointFrames(field, field, "frames")
    few = eg.Point().field("O(3)", "1 standard")
    with pytest.raises(DomainError, match="do not span 2 axes"):
        symmetrize(perceptron(3, 2), few, "weighted")
    one = symmetrize(perceptron(3, 2), few, "frames", out_field=few.with_rep("2 trivial"))
    assert error(one, torch.randn(4, 3, dtype=torch.float64)) <= 1e-10  # of one vector only its length is left
    field = eg.Point().field("O(2)", "2 standard")
    with pytest.raises(DomainError, match="need an output on a point"):
        PointFrames(field, eg.Grid(2).field("O(2)", "trivial"), "frames")
