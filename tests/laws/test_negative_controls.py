"""The suite accepts a healthy layer and names the law that each broken one breaks."""

import copy
from typing import Any

import pytest
import torch
from broken_layers import CONTROLS, REGULAR, SPREADING, BranchesOnData, Healthy, TooFewChannels, random_kernel
from broken_spans import BOOST, MORE_CONTROLS, TURNS, Tied, Vectors
from torch import nn

from erlangen.errors import EquivarianceError, ExactnessError, FieldError, LawError, UnknownName
from erlangen.symmetry import Group
from erlangen.testing import LAWS, check, law_complete, law_float32, law_parameters, law_repr, relative_error

ALL_CONTROLS = CONTROLS | MORE_CONTROLS


def test_a_healthy_layer_keeps_every_law() -> None:
    layer = Healthy()
    before = copy.deepcopy(layer.state_dict())
    report = check(layer)
    assert [f.law for f in report.findings] == list(LAWS)
    assert all(f.status == "holds" for f in report.findings)
    assert report["equivariance in float64"].measured < 1e-13
    assert all(torch.equal(v, before[k]) for k, v in layer.state_dict().items()), "the module is left as it was"
    assert layer.training
    text = str(report)
    assert all(name in text for name in LAWS)
    assert "<= 1e-12" in text


@pytest.mark.parametrize("build", ALL_CONTROLS, ids=lambda build: build.__name__)
def test_a_broken_layer_is_named(build: Any) -> None:
    torch.manual_seed(0)
    with pytest.raises(LawError) as error:
        check(build())
    named = set(error.value.laws)
    assert ALL_CONTROLS[build] <= named
    if build not in SPREADING:
        assert named <= ALL_CONTROLS[build] | {"plain export"}  # the exported form is that of the healthy layer
    for law in ALL_CONTROLS[build]:
        assert f"breaks the law {law!r}" in str(error.value)


def test_every_law_has_a_negative_control() -> None:
    assert set().union(*ALL_CONTROLS.values()) == set(LAWS)


def test_laws_run_alone() -> None:
    assert law_parameters(Healthy()).detail == "5, independent on 3×3"
    assert law_complete(Healthy()).detail == "4 of 4 equivariant linear maps on 3×3 (solved by orbits), 1 of 1 biases"
    assert law_repr(Healthy()).status == "holds"
    assert "3 tried" in law_float32(Healthy(), shape=(5, 5)).detail
    with pytest.raises(EquivarianceError, match=r"'equivariance in float32': relative error .* at 8×8"):
        law_float32(random_kernel(), shape=(8, 8))


@pytest.mark.parametrize("group", [TURNS, BOOST], ids=["compact", "not compact"])
def test_layers_of_infinite_groups_are_judged(group: Group) -> None:
    """Rotations and boosts are drawn and compared with the solver; where there is no grid, there are no shifts."""
    report = check(Vectors(group))
    assert "tried" in report["equivariance in float64"].detail
    assert report["complete"].detail.startswith("1 of 1 equivariant linear maps")
    assert {f.law for f in report.findings if f.status != "holds"} == {"translation"}


def test_a_layer_may_say_why_it_is_incomplete() -> None:
    class Says(Tied):
        incomplete = "two maps are tied on purpose"

    assert "3 of 4" in law_complete(Says()).detail
    assert "tied on purpose" in law_complete(Says()).detail
    with pytest.raises(EquivarianceError, match=r"3 of 4 equivariant linear maps.*`incomplete`"):
        law_complete(Tied())


def test_skip_and_only() -> None:
    report = check(BranchesOnData(), skip=["compile", "vmap", "torch.export"])
    assert len(report.findings) == len(LAWS) - 3
    assert [f.law for f in check(TooFewChannels(), only=["repr"]).findings] == ["repr"]
    with pytest.raises(UnknownName, match="Did you mean 'compile'"):
        check(Healthy(), skip=["compil"])


def test_what_is_not_an_equivariant_module_is_refused() -> None:
    with pytest.raises(FieldError, match=r"erlangen\.audit"):
        check(nn.Linear(2, 2))  # type: ignore[arg-type]


def test_refusing_a_size_is_fine() -> None:
    class EvenOnly(Healthy):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.shape[-1] % 2 or x.shape[-2] % 2:
                raise ExactnessError("only even sizes")
            return super().forward(x)

    assert check(EvenOnly(), only=["output"])["output"].detail == "sizes 8×8"

    class Never(Healthy):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ExactnessError("no size at all")

    with pytest.raises(LawError, match=r"no output at size 32×32.*no size at all"):
        check(Never())


def test_relative_error() -> None:
    one = torch.ones(3)
    assert relative_error(one, one) == 0.0
    assert relative_error(1.5 * one, one) == 0.5
    assert relative_error(torch.tensor([1.0, 1.0, 3.0]), one, "l2") == pytest.approx((4 / 3) ** 0.5)
    assert relative_error(one, torch.zeros(3)) == float("inf")
    assert relative_error(torch.ones(2), one) == float("inf")
    assert relative_error(torch.zeros(0), torch.zeros(0)) == 0.0
    assert not relative_error(torch.full((3,), torch.nan), one) <= 1.0


def test_the_fixture(assert_equivariant: Any) -> None:
    assert assert_equivariant(Healthy(), only=["repr"], shape=(4, 4)).findings
    assert REGULAR.size == 4
