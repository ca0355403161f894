"""The audit must catch every image network that is wrong on purpose, name the layer, and let the right ones pass."""

import broken_images as images
import pytest
import torch
from torch import nn

from erlangen.audit import audit
from erlangen.blueprint import Classify, derive
from erlangen.errors import EquivarianceError


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.rand(12, 1, 16, 16)


CASES = {
    "stride on even": (images.stride_on_even, "0", "stride 2 on size 16"),
    "declared stride on even": (images.declared_stride_on_even, "steps.2", "mod 2"),
    "uneven padding": (images.uneven_padding, "0", "uneven padding"),
    "flatten": (images.flattened, "3", "flattening"),
    "flatten in forward": (images.FlattenInForward, "after conv, before head", "flattening"),
    "position embedding": (images.PositionEmbedding, "after conv, before second", "position embedding 'place'"),
    "position module": (images.position_module, "1", "own value at every position"),
    "ordinary conv inside": (
        lambda: images.OrdinaryInside(nn.Conv2d(16, 16, 3, padding=1)),
        "middle",
        "an ordinary convolution",
    ),
    "ordinary norm inside": (
        lambda: images.OrdinaryInside(ordinary_norm()),
        "middle",
        "treats the channels of one field",
    ),
    "misaligned pool": (images.misaligned_pool, "1", "pooling with stride 2 on size 14"),
    "batch norm in training": (images.training_norm, "1", "statistics of the batch"),
    "wrong bias": (images.wrong_bias, "steps.1", "'bias' differs between the channels of one field"),
}


def ordinary_norm() -> nn.Module:
    norm = nn.BatchNorm2d(16)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, 16))
    return norm


@pytest.mark.parametrize("name", CASES)
def test_every_fault_is_found_where_it_is(name, x):
    build, guilty, cause = CASES[name]
    torch.manual_seed(1)
    found = audit(build(), x, in_field=images.FIELD)
    assert found.verdict != "exact"
    assert [row.name for row in found.culprits] == [guilty]
    assert cause in found.culprits[0].cause
    assert found.culprits[0].remedy
    with pytest.raises(EquivarianceError, match="Fix") as error:
        found.require()
    assert guilty in str(error.value)


def test_several_ordinary_convolutions_are_all_named(x):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), images.GlobalMean(), nn.Linear(4, 3))
    found = audit(net, x, in_field=images.FIELD)
    assert {row.name for row in found.culprits} == {"0", "2"}
    assert all("filters change by" in row.cause for row in found.culprits)


def test_a_random_network_is_no_function(x):
    found = audit(images.noisy(), x, in_field=images.FIELD)
    assert found.verdict == "broken"
    assert found.steady.repeat > 0.1
    assert any("random" in note for note in found.notes)


@pytest.mark.parametrize("size", [15, 16])
@pytest.mark.parametrize("group", ["C4", "D4"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_derived_networks_are_exact(size, group, dtype):
    torch.manual_seed(0)
    field = images.FIELD.space.field(group, "1 trivial")
    net = derive(field, Classify(3), "tiny")
    found = audit(net, torch.rand(6, 1, size, size), dtype=dtype)
    assert found.verdict == "exact", str(found)
    assert found.max_error <= (1e-5 if dtype == torch.float32 else 1e-12)
    assert found.culprits == ()
    assert found.guilty == "none"
    found.require()


def test_plain_networks_with_the_symmetry_are_exact(x):
    found = audit(images.good_plain(), x, in_field=images.FIELD)
    assert found.verdict == "exact", str(found)
    assert all((row.intrinsic or 0) < 1e-5 for row in found.layers)


def test_right_middle_layer_is_not_blamed(x):
    middle = images.FIELD.space.linear(images.HIDDEN, images.HIDDEN, kernel_size=3)
    found = audit(images.OrdinaryInside(middle), x, in_field=images.FIELD)
    assert found.verdict == "exact", str(found)


def test_exported_network_is_exact_though_its_layers_are_plain(x):
    torch.manual_seed(0)
    net = derive(images.FIELD, Classify(3), "tiny").eval()
    found = audit(net.export(), x, in_field=images.FIELD)
    assert found.verdict == "exact", str(found)
    assert found.culprits == ()


def test_net_of_a_smaller_group_is_caught_under_a_larger_one(x):
    torch.manual_seed(0)
    net = derive(images.FIELD, Classify(3), "tiny")
    found = audit(net, x, in_field=images.FIELD.space.field("D4", "1 trivial"))
    turns = [a for a in found.actions if a.family == "D4" and "m" not in a.label]
    mirrors = [a for a in found.actions if a.family == "D4" and "m" in a.label]
    assert found.verdict != "exact"
    assert max(a.worst for a in turns) < 1e-5 < min(a.worst for a in mirrors)
    assert "declared for C4, not for D4" in found.culprits[0].cause


def test_net_of_a_larger_group_passes_under_a_smaller_one(x):
    torch.manual_seed(0)
    net = derive(images.FIELD.space.field("D4", "1 trivial"), Classify(3), "tiny")
    found = audit(net, x, in_field=images.FIELD)
    assert found.verdict == "exact", str(found)
    assert all(row.intrinsic is not None and row.intrinsic < 1e-5 for row in found.layers)
