"""Mixing of fields, as one matrix and in blocks of irreps."""

from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from erlangen import Grid
from erlangen.blueprint import Field, precision
from erlangen.errors import FieldError, UnknownName
from erlangen.grids import Conv, Mixing
from erlangen.grids.harmonics import harmonics
from erlangen.grids.mixing import _harmonics
from erlangen.symmetry import FiniteGroup

# Σ of s²·r over blocks: d³ for an irrep of real type, 4 for a complex pair
BLOCKS = {
    ("C2", 2): 2,
    ("C4", 2): 6,
    ("D1", 2): 2,
    ("D2", 2): 4,
    ("D4", 2): 12,
    ("O", 3): 64,
    ("Oh", 3): 128,
    ("T", 3): 32,
}


def regular(group: str, d: int, copies: int) -> Field:
    return Grid(d).field(group, f"{copies} regular")


@pytest.mark.parametrize(("group", "d"), BLOCKS)
def test_blocks_have_the_counted_multiplications(group: str, d: int) -> None:
    """The basis is orthogonal, turns ρ_regular into irreps, and its blocks cost what the degrees of the irreps say."""
    one = regular(group, d, 1)
    found = _harmonics(one, one)
    assert found is not None
    assert np.abs(found.basis.T @ found.basis - np.eye(len(found.basis))).max() < 1e-12
    assert sum(s * s * r for s, r in found.blocks) == BLOCKS[group, d] == found.multiplications


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(BLOCKS)), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 2**16))
def test_blocks_and_matrix_are_one_map(case: tuple[str, int], m: int, k: int, bias: bool, seed: int) -> None:
    """The same weights give the same outputs and gradients in both forms."""
    torch.manual_seed(seed)
    fields = [regular(*case, copies) for copies in (m, k)]
    dense, blocks = (Mixing(*fields, bias=bias, form=form).double() for form in ("dense", "blocks"))
    blocks.load_state_dict(dense.state_dict())
    x = torch.randn(2, fields[0].size, *[3] * case[1], dtype=torch.float64, requires_grad=True)
    found = [layer(x) for layer in (dense, blocks)]
    assert (found[0] - found[1]).abs().max() < 1e-11 * found[0].abs().max()
    dy = torch.randn_like(found[0])
    gradients = [
        torch.autograd.grad(y, [x, *layer.parameters()], dy) for y, layer in zip(found, (dense, blocks), strict=True)
    ]
    for a, b in zip(*gradients, strict=True):
        assert (a - b).abs().max() < 1e-10 * max(1.0, float(a.detach().abs().max()))


def test_mixing_is_a_convolution_of_one_tap() -> None:
    """The weights have the shapes of those of `Conv`, and mean the same."""
    fields = [Grid(2).field("D4", rep) for rep in ("2 regular + standard", "1 regular + 2 trivial")]
    mixing, conv = Mixing(*fields).double(), Conv(*fields, 1).double()
    conv.load_state_dict(mixing.state_dict())
    x = torch.randn(2, fields[0].size, 4, 5, dtype=torch.float64)
    assert (mixing(x) - conv(x)).abs().max() < 1e-12


def test_blocks_multiply_less() -> None:
    field = regular("O", 3, 32)
    dense, blocks = (Mixing(field, field, form=form).multiplications((1, 1, 1)) for form in ("dense", "blocks"))
    assert dense == (32 * 24) ** 2
    assert blocks == 32 * 32 * 64 + 2 * 32 * 24**2


def test_the_table_decides(monkeypatch) -> None:
    """A machine with slow products and fast memory takes blocks; one with slow memory never does."""
    fast = {"product": 1.0, "memory": 1e6, "basis": 1e6}
    slow = {"product": 1e6, "memory": 1.0, "basis": 1.0}
    field = regular("D4", 2, 32)
    for table, wins in ((fast, True), (slow, False)):
        monkeypatch.setattr("erlangen.grids.mixing.rates", lambda dtype, table=table: table)
        assert set(Mixing(field, field).wins.values()) == {wins}
    monkeypatch.setattr("erlangen.grids.mixing.rates", lambda dtype: fast)
    assert set(Mixing(regular("D4", 2, 1), regular("D4", 2, 1)).wins.values()) == {False}  # blocks would multiply more


def test_units_of_another_representation_have_no_harmonics() -> None:
    group = Grid(2).symmetries("D4")
    assert isinstance(group, FiniteGroup)
    assert harmonics(group, np.zeros((3, 4, 4))) is None
    assert harmonics(group, np.random.default_rng(0).standard_normal((8, 8, 8))) is None


def test_mistakes_teach() -> None:
    field = Grid(2).field("D4", "1 standard")
    with pytest.raises(FieldError, match="form='dense'"):
        Mixing(field, field, form="blocks")
    with pytest.raises(UnknownName, match="blocks"):
        Mixing(field, field, form="block")


def test_tables_of_older_releases_are_measured_again(monkeypatch, tmp_path) -> None:
    module = import_module("erlangen.blueprint.precision")
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    module._costs.cache_clear()
    try:
        monkeypatch.setattr(module, "_measure", lambda device: {name: {} for name in module.OPERATORS})
        assert set(module.operator_costs()) == module.OPERATORS
        path = next(tmp_path.glob("precision-*.json"))
        path.write_text('{"dense": {}}')
        module._costs.cache_clear()
        assert set(module.operator_costs()) == module.OPERATORS
    finally:
        module._costs.cache_clear()


@pytest.mark.parametrize("inside", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_whoever_asks_first_can_measure(inside, monkeypatch, tmp_path) -> None:
    module = import_module("erlangen.blueprint.precision")
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(module, "_rates", lambda device: {n: {} for n in module.OPERATORS - {"dense", "depthwise"}})
    monkeypatch.setattr(module, "_milliseconds", lambda run: run() or 1.0)
    module._costs.cache_clear()
    try:
        with inside():
            assert set(module.operator_costs()) == module.OPERATORS
    finally:
        module._costs.cache_clear()


def test_autocast_takes_bfloat16() -> None:
    field = regular("D4", 2, 4)
    with precision("bfloat16"):
        y = Mixing(field, field)(torch.randn(1, field.size, 4, 4))
    assert y.dtype == torch.bfloat16


def test_blocks_that_were_asked_for_are_used_in_every_dtype() -> None:
    field = Grid(2).field("D4", "2 regular")
    layer = Mixing(field, field, form="blocks").double()
    dense = Mixing(field, field, form="dense").double()
    dense.load_state_dict(layer.state_dict())
    called = []
    layer._by_blocks = lambda rows, inner=layer._by_blocks: called.append(1) or inner(rows)
    x = torch.randn(2, 16, 3, 3, dtype=torch.float64)
    assert (layer(x) - dense(x)).abs().max() < 1e-12
    assert called
    assert layer.extra_repr().endswith("of D4, blocks")
