"""Every layer on a point keeps every law of the suite, for finite, compact and non-compact groups."""

from collections.abc import Callable

import pytest
import torch

from erlangen import point
from erlangen.blueprint import Classify, EquivariantModule, Field, Predict, Regress, derive
from erlangen.errors import NonlinearityError
from erlangen.point import (
    CopyNorm,
    EquivariantBilinear,
    EquivariantLinear,
    EquivariantMLP,
    EquivariantQuadratic,
    FactoredBilinear,
    Gate,
    GatedResidual,
    Nonlinearity,
    Point,
    PointReadout,
)
from erlangen.symmetry import Group
from erlangen.testing import check

pytestmark = pytest.mark.filterwarnings("ignore")
TRACED = "SO(1,3)"  # where the laws of torch's machinery are always checked

GROUPS: dict[str, tuple["str | Group", str, str]] = {  # group, representation of vectors, something richer
    "permutations": (
        Group.from_permutations({"a": "(0 1 2 3)", "b": "(0 1)"}, name="mine"),
        "1 standard + 1 trivial",
        "2 trivial + 2 standard + 1 standard*standard",
    ),
    "D6": ("D6", "2 standard + 1 trivial", "2 trivial + 2 standard + 1 regular"),
    "O(3)": ("O(3)", "2 standard + 1 trivial", "2 trivial + 2 standard + 1 standard*standard"),
    "SO(1,3)": ("SO(1,3)", "2 standard", "2 trivial + 2 standard + 1 standard*standard"),
    "Sp(4)": ("Sp(4)", "2 standard", "2 trivial + 2 dual(standard)"),
}
LAYERS: dict[str, Callable[[Field, Field], EquivariantModule]] = {
    "linear": lambda small, rich: EquivariantLinear(rich.with_rep(rich.rep + small.rep), rich),
    "bilinear": lambda small, rich: EquivariantBilinear(rich, small),
    "factored": lambda small, rich: FactoredBilinear(rich, small, 6),
    "quadratic": lambda small, rich: EquivariantQuadratic(small, rich.with_rep(small.rep + rich.rep), 6),
    "gate": lambda small, rich: Gate(rich),
    "nonlinearity": lambda small, rich: Nonlinearity(rich, "gelu"),
    "norm": lambda small, rich: CopyNorm(rich),
    "residual": lambda small, rich: GatedResidual(rich, norm=True),
    "block": lambda small, rich: Point().block(small, rich, rank=6),
    "readout": lambda small, rich: PointReadout(rich, Classify(3), 0.2, 6),
}


def fields(name: str) -> tuple[Field, Field]:
    group, small, rich = GROUPS[name]
    field = Point().field(group, small)
    return field, field.with_rep(rich)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("group", GROUPS)
def test_every_layer_keeps_every_law(group: str, layer: str, left_to_slow: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    if (group, layer) == ("Sp(4)", "nonlinearity"):
        with pytest.raises(NonlinearityError, match="no invariant quadratic form"):  # its only form is antisymmetric
            LAYERS[layer](*fields(group))
        return
    check(LAYERS[layer](*fields(group)), skip=() if group == TRACED else left_to_slow)


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_every_network_keeps_every_law(group: str) -> None:
    small, rich = fields(group)
    for network in (
        derive(small, Regress(2), "tiny"),
        derive(small, Predict(repr(rich.rep)), "tiny", depth=1),
        EquivariantMLP(small, rich, 48, 2, rank=6),
        EquivariantMLP(rich, rich, rich.rep, 1, bilinear=False),
    ):
        check(network)


def test_no_layer_is_forgotten() -> None:
    public = {getattr(point, name) for name in point.__all__ if name not in ("Point", "gated")}
    small, rich = fields("O(3)")
    used = {type(part) for build in LAYERS.values() for part in build(small, rich).modules()}
    assert public - used == {EquivariantMLP}
