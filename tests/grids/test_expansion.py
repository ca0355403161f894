"""Expanded kernels do not depend on the order in which memory is walked."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from erlangen import Grid
from erlangen.grids import Conv


@settings(max_examples=25, deadline=None)
@given(
    group=st.sampled_from(["C2", "C4", "D4", "C8", "D8"]),
    before=st.sampled_from(["regular", "trivial", "standard"]),
    after=st.sampled_from(["regular", "standard"]),
    copies=st.tuples(st.integers(1, 6), st.integers(1, 12)),
    dtype=st.sampled_from([torch.float64, torch.float32]),
)
def test_many_copies_are_one_copy_at_a_time(
    group: str, before: str, after: str, copies: tuple[int, int], dtype: torch.dtype
) -> None:
    """K of m copies consists of the kernels of single copies, whichever way rows are looked up."""
    space = Grid(2)
    one = Conv(space.field(group, f"1 {before}"), space.field(group, f"1 {after}"), 3, bias=False).to(dtype)
    many = Conv(
        space.field(group, f"{copies[1]} {before}"), space.field(group, f"{copies[0]} {after}"), 3, bias=False
    ).to(dtype)
    kernel = many.kernel().unflatten(1, (copies[1], -1)).unflatten(0, (copies[0], -1))
    for o in range(copies[0]):
        for i in range(copies[1]):
            weight = many.weights[0][:, o : o + 1, i : i + 1].contiguous()
            torch.testing.assert_close(kernel[o, :, i], one.expand([weight], None))


@pytest.mark.parametrize("fields", [1, 6])
@pytest.mark.parametrize(("d", "group"), [(2, "C4"), (2, "D8"), (3, "O")])
def test_gradients_are_those_of_a_linear_map(d: int, group: str, fields: int) -> None:
    """⟨K(w), a⟩ = ⟨w, ∇⟨K(w), a⟩⟩ for a linear map K, and every weight counts |G| entries or more."""
    field = Grid(d).field(group, f"{fields} regular")
    conv = Conv(field, field, 3, bias=False).double()
    kernel = conv.kernel()
    a = torch.randn_like(kernel)
    (gradient,) = torch.autograd.grad((kernel * a).sum(), list(conv.weights))
    torch.testing.assert_close((kernel * a).sum(), (conv.weights[0] * gradient).sum())
    assert bool((gradient.abs() > 0).all())


def test_kernels_come_with_channels_last() -> None:
    """The convolution needs no copy of them."""
    for fields in (2, 9):
        field = Grid(2).field("C8", f"{fields} regular")
        kernel = Conv(field, field, 3, bias=False).kernel()
        assert kernel.is_contiguous(memory_format=torch.channels_last)
