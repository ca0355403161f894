"""Points as a domain: actions, recipes, derivation on anybody's group, and learning."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from erlangen.blueprint import EquivariantModule, Field, Predict, Regress, Segment, derive, network_from
from erlangen.errors import UnknownName
from erlangen.point import EquivariantMLP, Point
from erlangen.point.architectures import hidden_unit, pairings_suffice
from erlangen.symmetry import Group, group

GROUPS = {
    "SO(3)": "3 standard",
    "O(5)": "2 standard",
    "O(3)": "2 trivial + 2 standard",
    "SO(1,3)": "2 standard",
    "O(1,3)": "2 standard",
    "Sp(4)": "2 standard",
    "SL(3)": "3 standard",
    "S(4)": "2 standard",
    "S(8)": "1 standard",
    "D6": "2 standard",
    "Z2": "2 sign + 1 trivial",
    "C4 x Z2": "1 regular",
    "SO(3) x S(4)": "first(standard)*second(standard)",
}


def worst_error(network: EquivariantModule, x: Tensor) -> float:
    """The largest relative error over the exact actions of the domain, in float64."""
    network = network.double()
    found = []
    with torch.no_grad():
        y = network(x)
        for action in Point().actions(network.in_field.group, x, 4, torch.Generator().manual_seed(0)):
            moved, want = network(action.move(x, network.in_field.rep)), action.move(y, network.out_field.rep)
            found.append(float((moved - want).abs().max() / want.abs().max()))
    assert len(found) >= 1
    return max(found)


@pytest.mark.parametrize("name", GROUPS)
def test_networks_of_every_group(name: str) -> None:
    field = Point().field(name, GROUPS[name])
    x = torch.randn(4, field.size, dtype=torch.float64)
    invariant = derive(field, Regress(2), "tiny")
    equivariant = derive(field, Predict(GROUPS[name]), "tiny")
    for network in (invariant, equivariant):
        assert worst_error(network, x) < 1e-11
        assert network(x).std() > 1e-4  # not constant
        assert network.plan.exact
    assert invariant.out_field.rep.is_trivial
    assert equivariant.out_field == field


@pytest.mark.parametrize("name", ["O(3)", "SO(1,3)", "D6", "S(5)"])
def test_a_network_derived_again_from_its_declaration(name: str) -> None:
    field = Point().field(name, "2 standard + 1 trivial")
    network = derive(field, Predict("standard*standard"), "tiny", width=0.5, depth=1)
    words = json.loads(json.dumps(network.declaration))
    again = network_from(words)
    again.load_state_dict(network.state_dict())
    x = torch.randn(3, field.size)
    assert torch.equal(again(x), network(x))
    assert (again.in_field, again.out_field) == (network.in_field, network.out_field)


def custom_groups() -> dict[str, Group]:
    squeeze = np.array([[0.0, 1.0], [1.0, 0.0]])
    return {
        "permutations": Group.from_permutations({"r": "(0 1 2 3 4)", "m": "(1 4)(2 3)"}),
        "many permutations": Group.from_permutations({"a": "(0 1 2 3 4 5 6 7 8)", "b": "(0 1)"}, name="big"),
        "matrices": Group.from_matrices({"q": np.array([[0.0, -1.0], [1.0, 0.0]])}, name="quarter turns"),
        "Lie algebra": Group.from_lie_algebra({"squeeze": squeeze}, {"flip": np.diag([1.0, -1.0])}, name="squeezes"),
    }


@pytest.mark.parametrize("name", custom_groups())
def test_declarations_carry_custom_groups(name: str) -> None:
    mine = custom_groups()[name]
    field = Point().field(mine, "2 standard + 1 trivial")
    network = derive(field, Regress(1), "tiny")
    again = network_from(json.loads(json.dumps(network.declaration)))
    assert again.in_field == field
    again.load_state_dict(network.state_dict())
    x = torch.randn(3, field.size)
    assert torch.equal(again(x), network(x))
    assert worst_error(network, x.double()) < 1e-11


def test_declarations_carry_representations_by_their_matrices() -> None:
    turn = np.array([[np.cos(2 * np.pi / 5), -np.sin(2 * np.pi / 5)], [np.sin(2 * np.pi / 5), np.cos(2 * np.pi / 5)]])
    mine = custom_groups()["permutations"]
    rep = mine.representation({"r": turn, "m": np.diag([1.0, -1.0])})
    field = Field(Point(), 2 * rep + mine.trivial)
    network = derive(field, Regress(1), "tiny")
    again = network_from(json.loads(json.dumps(network.declaration)))
    assert again.in_field == field
    assert worst_error(again, torch.randn(3, 5, dtype=torch.float64)) < 1e-11


def test_hidden_representations() -> None:
    def kinds(name: str, rep: str, out: str = "trivial") -> list[str]:
        one = group(name)
        return [str(c) for _, c in hidden_unit(one.representation(rep), one.representation(out)).terms]

    assert kinds("O(3)", "5 trivial + 5 standard", "standard*standard") == ["trivial", "standard", "standard*standard"]
    assert kinds("O(5)", "2 standard") == ["trivial", "standard"]
    assert kinds("SO(1,3)", "2 standard") == ["trivial", "standard", "standard*standard"]  # for ε
    assert kinds("D6", "2 standard") == ["regular"]
    assert pairings_suffice(group("O(1,3)").standard.terms[0][1])
    assert not pairings_suffice(group("SL(3)").standard.terms[0][1])


def test_the_determinant_needs_products_of_products() -> None:
    """det(a, b, c) is the only invariant of three vectors under SL(3), and the network finds it."""
    field = Point().field("SL(3)", "3 standard")
    network = derive(field, Regress(1), "tiny")
    x = torch.randn(600, 9)
    assert fit(network, x, torch.linalg.det(x.view(-1, 3, 3))[:, None], 300) < 0.05


def test_sizes_and_options() -> None:
    field = Point().field("O(3)", "2 standard")
    counts = [derive(field, Regress(1), size).plan.parameters for size in ("tiny", "small", "medium", "large")]
    assert counts == sorted(counts)
    given = derive(field, Regress(1), "tiny", hidden="4 trivial + 1 standard", width=0.5, depth=3)
    assert len(given) == 4
    assert str(given[0].out_field.rep) == "18 trivial + 5 standard"
    assert derive(field, Segment(3), "tiny").out_field.rep == field.group.representation(3)
    with pytest.raises(UnknownName, match="Did you mean 'small'"):
        derive(field, Regress(1), "smal")


def test_actions_generate_and_undo() -> None:
    field = Point().field("SO(1,3)", "2 standard")
    x = torch.randn(3, 8, dtype=torch.float64)
    actions = Point().actions(field.group, x, 5)
    assert {a.family for a in actions} == {"SO(1,3)"}
    assert sum(a.label.startswith("exp(") for a in actions) == len(field.group.algebra)
    metric = torch.tensor([1.0, -1, -1, -1], dtype=torch.float64)
    for action in actions:
        assert action.exact
        assert action.undo is not None
        moved = action.move(x, field.rep)
        torch.testing.assert_close(action.undo(moved, field.rep), x, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(
            (moved.view(-1, 4).square() * metric).sum(1), (x.view(-1, 4).square() * metric).sum(1)
        )
        assert action.move(x, None) is x


def fit(network: EquivariantModule, x: Tensor, y: Tensor, steps: int) -> float:
    """Mean squared error over variance after some steps of Adam."""
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(steps):
        loss = (network(x) - y).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return float(loss.detach() / y.var())


def inertia(x: Tensor) -> Tensor:
    mass, place = x[:, :2].abs(), x[:, 2:].view(-1, 2, 3)
    second = torch.einsum("bi,bij,bik->bjk", mass, place, place)
    trace = second.diagonal(dim1=1, dim2=2).sum(1)
    return (trace[:, None, None] * torch.eye(3) - second).flatten(1)


def boosted(x: Tensor) -> Tensor:
    return x[:, :4] * (x[:, :1] * x[:, 4:5] - (x[:, 1:4] * x[:, 5:]).sum(1, keepdim=True))


def hexagonal(x: Tensor) -> Tensor:
    """The height of the first vector above the sides of a hexagon, times the length of the second."""
    corners = torch.tensor([[np.cos(k * np.pi / 3), np.sin(k * np.pi / 3)] for k in range(6)], dtype=x.dtype)
    return (x[:, :2] @ corners.T).amax(1, keepdim=True) * x[:, 2:].norm(dim=1, keepdim=True)


TOYS: dict[str, tuple[str, str, str, Callable[[Tensor], Tensor]]] = {
    "invariant": ("O(4)", "2 standard", "trivial", lambda x: x[:, :4].norm(dim=1, keepdim=True).sin()),
    "tensor": ("O(3)", "2 trivial + 2 standard", "standard*standard", inertia),
    "four-vector": ("SO(1,3)", "2 standard", "standard", boosted),
    "set": ("S(5)", "2 standard", "standard", lambda x: x[:, :5] * x[:, 5:].amax(1, keepdim=True)),
    "hexagon": ("D6", "2 standard", "trivial", hexagonal),
}


LONG = ("tensor", "four-vector")  # ten seconds each


@pytest.mark.parametrize("toy", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in TOYS])
def test_perceptrons_learn(toy: str) -> None:
    """The error falls tenfold below the variance of the target."""
    name, rep_in, rep_out, target = TOYS[toy]
    torch.manual_seed(0)
    field = Point().field(name, rep_in)
    x = torch.randn(400, field.size)
    assert fit(EquivariantMLP(field, field.with_rep(rep_out), 96, 2, rank=24), x, target(x), 400) < 0.1
