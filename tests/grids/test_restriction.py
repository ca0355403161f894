"""Restriction to subgroups inside a network."""

import pytest
import torch

from erlangen import Classify, Grid, Segment, audit, derive
from erlangen.blueprint import Field, Sequential, network_from
from erlangen.errors import DomainError, FieldError
from erlangen.grids import Conv, Nonlinearity, Restrict, Restricted, colour_field

EVERY = "2 regular + 2 standard + 1 trivial"
CASES = [
    (2, "D4", f"{EVERY} + 1 sign + 1 quotient(C4) + 1 quotient(D1) + 2 irrep(1,2)", h)
    for h in ("D4", "C4", "D2", "C2", "D1", "C1")
]
CASES += [(2, "C4", f"{EVERY} + 1 irrep(2)", h) for h in ("C2", "C1")]
CASES += [(3, "O", EVERY, h) for h in ("O", "T", "D4", "C4", "C2", "C1")] + [(3, "Oh", "1 regular", "O")]


@pytest.mark.parametrize(("d", "group", "rep", "subgroup"), CASES)
def test_the_signal_is_a_field_of_the_subgroup(d, group, rep, subgroup):
    """f(h·x) = h·f(x) exactly, with x moved as a field of G; and no number changes, only its place."""
    field = Grid(d).field(group, rep)
    layer = Restrict(field, subgroup)
    inside = layer.out_field.group
    seen = Field(field.space, field.rep.restrict(inside))
    x = torch.randn(2, field.size, *(4,) * d)
    y = layer(x)
    for h in inside.elements:
        assert torch.allclose(layer(seen.act(h, x)), layer.out_field.act(h, y), atol=1e-6)
    assert torch.equal(x.flatten(2).sum(2).sort(1).values, y.flatten(2).sum(2).sort(1).values)
    assert torch.equal(layer.export()(x), y)
    assert inside.name == subgroup


def test_regular_fields_stay_regular():
    """The regular representation restricts to |G|/|H| regular ones, so that every nonlinearity stays at hand."""
    for d, group, subgroup, copies in ((2, "D4", "C4", 2), (2, "D4", "D1", 4), (3, "Oh", "O", 2), (3, "O", "D4", 3)):
        layer = Restrict(Grid(d).field(group, "3 regular"), subgroup)
        assert layer.out_field.rep == 3 * copies * layer.out_field.group.regular
        assert len(layer.out_field.rep.terms) == 1


FROM_INFINITE = [
    (2, "SO(2)", "2 irrep(0) + 2 irrep(1) + 2 irrep(2) + irrep(5)", ("C16", "C8", "C3", "C4", "C1")),
    (2, "O(2)", "irrep(0,0) + irrep(1,0) + 2 irrep(1,1) + irrep(1,2)", ("D8", "D4", "C8", "D1", "C1")),
    (3, "SO(3)", "irrep(0) + 2 irrep(1) + irrep(2)", ("O", "D4", "C4")),
    (3, "O(3)", "irrep(0,0) + irrep(0,1) + irrep(1,1) + irrep(2,0)", ("Oh", "O", "C4v", "D2")),
]


@pytest.mark.parametrize(
    ("d", "group", "rep", "subgroup"), [(d, g, rep, h) for d, g, rep, several in FROM_INFINITE for h in several]
)
def test_infinite_groups_restrict_to_finite_ones(d, group, rep, subgroup):
    """ρ(h) of the infinite group is ρ(h) of the finite one, for the same matrix h, up to the order of channels."""
    field = Grid(d).field(group, rep)
    layer = Restrict(field, subgroup)
    inside = layer.out_field.group
    assert inside.name == subgroup
    x = torch.randn(3, field.size, *(1,) * d, dtype=torch.float64)
    y = layer(x)
    for h in inside.elements:
        matrix = inside.standard.on(h)[:d, :d]
        assert torch.allclose(layer(field.rep.apply(matrix, x)), layer.out_field.rep.apply(h, y), atol=1e-12)


def test_fine_turns_restrict_step_by_step():
    """C16 → C8 → C4 → C1, all regular; SO(2) → C8, functions on the circle to functions on eight turns."""
    torch.manual_seed(0)
    field = Grid(2).field("C16", "1 regular")
    for name, copies in (("C8", 2), ("C4", 4), ("C1", 16)):
        layer = Restrict(field, name)
        field = layer.out_field
        assert field.rep.terms[0][0] == copies
        assert field.rep == copies * (field.group.regular if name != "C1" else field.group.trivial)
    image = Grid(2).field("SO(2)", 1)
    net = derive(image, Classify(3), "tiny", restrict={1: "C8"}, nonlinearity="fourier").eval()
    assert net.in_field.group.name == "C8"
    x = torch.rand(4, 1, 17, 17)
    with torch.no_grad():
        for h in (2, 4, 6):
            assert torch.allclose(net(net.in_field.act(h, x)), net(x), atol=1e-5)
    again = network_from(net.declaration)
    again.load_state_dict(net.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(x), net(x))


def test_a_chain_keeps_the_subgroup_and_loses_the_rest():
    torch.manual_seed(0)
    image = Grid(2).field("D4", 1)
    lift = Conv(image, image.with_rep("2 regular"))
    restrict = Restrict(lift.out_field, "D1")
    then = Conv(restrict.out_field, restrict.out_field)
    chain = Restricted(Sequential(lift, Nonlinearity(lift.out_field), restrict, then))
    assert chain.in_field.group.name == "D1"
    x = torch.randn(2, 1, 7, 7)
    y = chain(x).detach()
    for h in chain.in_field.group.elements:
        assert torch.allclose(chain(chain.in_field.act(h, x)), chain.out_field.act(h, y), atol=1e-5)
    turned = image.act(image.group.generators["r"], x)
    assert float((chain(turned).detach() - image.space.move_points(1, y, image.group)).abs().max()) > 1e-2 * float(
        y.abs().max()
    )


def test_networks_shrink_their_group():
    torch.manual_seed(0)
    net = derive(Grid(2).field("D4", 1), Classify(4), "tiny", restrict={0: "C4", 1: "C2"})
    groups = [leaf.out_field.group.name for _, leaf in net.leaves()]
    assert [g for i, g in enumerate(groups) if i == 0 or g != groups[i - 1]] == ["D4", "C4", "C2"]
    assert net.in_field.group.name == "C2"
    x = torch.rand(8, 1, 16, 16)
    assert audit(net, x).verdict == "exact"
    found = audit(net, x, in_field=Grid(2).field("D4", 1))
    assert found.verdict != "exact"
    again = network_from(net.declaration)
    again.load_state_dict(net.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(x), net.eval()(x))


@pytest.mark.parametrize(
    ("d", "group", "subgroup"),
    [(2, "O(2)", "C4"), (2, "O(2)", "D4"), (2, "SO(2)", "C2"), (3, "O(3)", "O"), (3, "SO(3)", "C1")],
)
def test_after_an_infinite_group_hidden_fields_are_regular(d, group, subgroup):
    net = derive(Grid(d, (8,) * d).field(group, 1), Classify(2), "tiny", width=0.3, depth=2, restrict={0: subgroup})
    assert net.out_field.group.name == subgroup
    assert {name for _, layer in net.leaves() for name in str(layer.out_field.rep).split()} >= {"regular"}
    assert net(torch.randn(2, 1, *(8,) * d)).shape == (2, 2)


def test_segmentation_restricts_before_it_coarsens():
    image = Grid(2).field("D4", 1)
    net = derive(image, Segment(2), "tiny", restrict={0: "C4"}).eval()
    x = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        y = net(x)
        for g in net.in_field.group.elements:
            assert torch.allclose(net(net.in_field.act(g, x)), net.out_field.act(g, y), atol=1e-5)
    with pytest.raises(FieldError, match="before the first coarsening"):
        derive(image, Segment(2), "tiny", restrict={1: "C4"})


def test_mistakes():
    image = Grid(2).field("C4", "1 regular")
    with pytest.raises(DomainError, match="not found inside C4"):
        Restrict(image, "D1")
    with pytest.raises(DomainError, match="does not have"):
        Restrict(Grid(2, (4, 6)).field("D2", 1), "C4")
    with pytest.raises(DomainError, match=r"do not lie in SO\(2\)"):
        Restrict(Grid(2).field("SO(2)", 1), "D4")
    with pytest.raises(DomainError, match="no finite group of matrices"):
        Grid(2).field("SO(2)xS3", 1).rep.restrict("C4")
    with pytest.raises(FieldError, match="there are 3"):
        derive(image, Classify(2), "tiny", restrict={7: "C2"})
    with pytest.raises(FieldError, match=r"\{2: 'C4'\}"):
        derive(image, Classify(2), "tiny", restrict="C2")


@pytest.mark.parametrize("subgroup", ["C2xS3", "C4xC1", "C4", "C1"])
def test_colours_and_turns_restrict_one_by_one(subgroup):
    """Of a product, either factor may shrink, or both, or the colours go altogether."""
    torch.manual_seed(0)
    field = colour_field(Grid(2), "C4", "permutations")
    if subgroup == "C4xC1":
        with pytest.raises(DomainError, match="not found inside"):
            field.group.subgroup("C3xC1")
    net = derive(field, Classify(3), "tiny", widths=(24, 24), restrict={0: subgroup}).eval()
    assert net.in_field.group.order == {"C2xS3": 12, "C4xC1": 4, "C4": 4, "C1": 1}[subgroup]
    x = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        y = net(x)
        for g in net.in_field.group.elements:
            assert torch.allclose(net(net.in_field.act(g, x)), y, atol=1e-5)
