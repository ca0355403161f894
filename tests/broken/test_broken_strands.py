"""The audit must catch every network that reads the two strands differently, and name the layer."""

import broken_strands as strands
import pytest
import torch
from torch import nn

import erlangen as eg
from erlangen.errors import EquivarianceError

FAULTS = (
    strands.ordinary_convolution,
    strands.same_padding_of_an_even_kernel,
    strands.stride_off_the_centre,
    strands.pooling_off_the_centre,
    strands.one_way,
    strands.ordinary_norm,
    strands.tracks_flipped_as_one_block,
)


@pytest.fixture
def letters() -> torch.Tensor:
    data = eg.data.load("motifs", train=1, test=12, length=40)
    return data.test.signals


def test_the_right_one_passes(letters) -> None:
    assert eg.audit(strands.right(), letters).verdict == "exact"


@pytest.mark.parametrize("build", FAULTS, ids=lambda f: f.__name__)
def test_every_fault_is_found_where_it_is(build, letters) -> None:
    torch.manual_seed(1)
    found = eg.audit(build(), letters)
    assert found.verdict != "exact"
    assert {row.name.split(".module")[0] for row in found.culprits} == {"steps.2"}
    with pytest.raises(EquivarianceError, match="Fix"):
        found.require()


def test_a_plain_flip_of_the_tracks_is_right_for_one_pair_and_wrong_beside_a_third(letters) -> None:
    """What several packages do to profiles: reverse channels and places."""
    pair, three = strands.FIELD.with_rep("regular"), strands.FIELD.with_rep(strands.TRACKS)
    x = torch.randn(2, 3, 40)
    assert torch.equal(pair.act(1, x[:, :2]), x[:, :2].flip(1, 2))
    assert not torch.equal(three.act(1, x), x.flip(1, 2))


def test_an_ordinary_network_depends_on_the_strand(letters) -> None:
    net = nn.Sequential(nn.Conv1d(4, 8, 7), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 2))
    found = eg.audit(net, letters, in_field=strands.FIELD)
    assert found.verdict == "broken"
    assert {row.name for row in found.culprits} == {"0"}
