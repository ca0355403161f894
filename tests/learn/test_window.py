"""Sliding windows: they cover everything, agree with the network where it is local, and keep its symmetry exactly."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import erlangen as eg
from erlangen.errors import DomainError, RunError
from erlangen.learn import sliding_window
from erlangen.learn.window import window_places


@given(st.integers(1, 200), st.integers(1, 64), st.floats(0, 0.9))
def test_places_cover_overlap_and_mirror(n: int, window: int, overlap: float) -> None:
    window = min(n, window)
    places = window_places(n, window, overlap)
    assert places[0] == 0
    assert places[-1] == n - window
    assert places == [n - window - p for p in reversed(places)]
    gaps = np.diff(places)
    assert (gaps <= max(1, int(window * (1 - overlap)))).all()
    assert (gaps > 0).all()


def test_a_network_of_points_is_reproduced() -> None:
    torch.manual_seed(0)
    net = nn.Conv3d(2, 3, 1)
    x = torch.randn(2, 19, 12, 17)
    expected = net(x[None])[0].detach()
    for window, overlap in ((8, 0.5), (5, 0.0), ((19, 12, 17), 0.5), (64, 0.3), ((4, 5, 6), 0.75)):
        torch.testing.assert_close(sliding_window(net, x, window, overlap=overlap, batch_size=3), expected)


@pytest.mark.parametrize("group", ["O", pytest.param("Oh", marks=pytest.mark.slow)])
def test_windows_keep_the_symmetry_exactly(group: str) -> None:
    torch.manual_seed(0)
    space = eg.Grid(3)
    net = eg.derive(space.field(group), eg.Segment(2), "tiny", widths=(24, 24), coarsen_after=(0,)).double().eval()
    x = torch.randn(1, 13, 16, 11, dtype=torch.float64)
    y = sliding_window(net, x, 8, overlap=0.4)
    for g in list(net.in_field.group.elements)[1::5]:
        moved = sliding_window(net, net.in_field.act(g, x[None])[0], 8, overlap=0.4)
        torch.testing.assert_close(moved, net.out_field.act(g, y[None])[0], rtol=1e-6, atol=1e-6)


def test_uneven_windows_would_break_it() -> None:
    """The negative control: windows from one end only are not the same seen from the other."""
    torch.manual_seed(0)
    net = eg.derive(eg.Grid(1).field("D1"), eg.Segment(2), "tiny").eval()
    x = torch.randn(1, 1, 50)
    first = net(x[..., :32])
    assert not torch.allclose(net(x.flip(-1)[..., :32]).flip(-1), first, atol=1e-3)


def test_arrays_on_disk_in_and_out(tmp_path) -> None:
    scan = np.memmap(tmp_path / "scan", np.float32, "w+", shape=(1, 20, 18, 16))
    scan[:] = np.random.default_rng(0).normal(size=scan.shape)
    out = np.memmap(tmp_path / "out", np.float32, "w+", shape=(2, 20, 18, 16))
    torch.manual_seed(0)
    net = nn.Conv3d(1, 2, 3, padding=1)
    sliding_window(net, scan, 8, out=out)
    assert np.allclose(out, sliding_window(net, torch.from_numpy(np.array(scan)), 8).numpy())


def test_what_out_holds_before_does_not_matter() -> None:
    net, x = nn.Conv2d(1, 2, 1), torch.randn(1, 11, 9)
    out = torch.full((2, 11, 9), 7.0)
    torch.testing.assert_close(sliding_window(net, x, 5, out=out), net(x[None])[0].detach())
    with pytest.raises(DomainError, match=r"real numbers \[k, 11, 9\], got torch.int64"):
        sliding_window(net, x, 5, out=torch.zeros(2, 11, 9, dtype=torch.int64))
    with pytest.raises(DomainError, match="at least 1 window"):
        sliding_window(net, x, 5, batch_size=0)
    with pytest.raises(DomainError, match="whole sizes"):
        sliding_window(net, x, 5.0)


def test_mistakes_are_explained() -> None:
    x, net = torch.zeros(1, 8, 8), nn.Conv2d(1, 1, 3)
    with pytest.raises(DomainError, match="window needs 2 positive whole sizes"):
        sliding_window(net, x, (4, 4, 4))
    with pytest.raises(DomainError, match="overlap"):
        sliding_window(net, x, 4, overlap=1.0)
    with pytest.raises(RunError, match=r"\[2, 2\] of a window of \[4, 4\]"):
        sliding_window(net, x, 4)
    one = nn.Conv2d(1, 1, 3, padding=1)
    out = torch.ones(3, 8, 8)
    with pytest.raises(DomainError, match="out has 3 channels, the model makes 1"):
        sliding_window(one, x, 4, out=out)
    assert (out == 1).all()
    with pytest.raises(DomainError, match="one signal"):
        sliding_window(one, torch.zeros(1, 8, 0), 4)


def test_parts_that_were_frozen_stay_frozen() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2)).train()
    net[1].eval()
    sliding_window(net, torch.randn(1, 20, 20), 8)
    assert [part.training for part in net.modules()] == [True, True, False]


def test_bytes_in_any_order_and_float64() -> None:
    net = nn.Conv2d(1, 1, 3, padding=1).double()
    x = torch.randn(1, 8, 8, dtype=torch.float64)
    exact = sliding_window(net, x, 8, out=torch.zeros(1, 8, 8, dtype=torch.float64))
    with torch.no_grad():
        assert (exact - net(x[None])[0]).abs().max() < 1e-12
    out = np.zeros((1, 8, 8), ">f8")
    sliding_window(net, x.numpy().astype(">f8"), 8, out=out)
    assert np.abs(out - exact.numpy()).max() < 1e-12
