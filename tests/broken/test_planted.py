"""Every planted defect is found in the right layer for the right reason; no clean network is accused."""

import pytest
import torch
from planted import BROKEN, CLEAN, samples
from test_broken_graphs import CASES as GRAPHS
from test_broken_images import CASES as IMAGES
from test_broken_strands import FAULTS as STRANDS

from erlangen.audit import audit
from erlangen.errors import DomainError, EquivarianceError
from erlangen.grids import Grid

QUICK = {"continuous": False, "stability": False}
DOMAINS = {"image", "volume", "line", "hexagons", "strand", "cloud", "graphs", "molecules"}


def found(case, **options):
    torch.manual_seed(1)
    net = case.build().eval()
    return audit(net, samples(case.data), in_field=case.field, out_field=case.out, **{**QUICK, **options})


@pytest.mark.parametrize("name", BROKEN)
def test_every_fault_is_found_where_it_is(name):
    case = BROKEN[name]
    result = found(case)
    assert result.verdict != "exact"
    worst = result.culprits[0]
    assert worst.name == case.guilty or (worst.kind == "code" and case.guilty in worst.name), str(result)
    assert case.cause in worst.cause, worst.cause
    assert worst.remedy
    if name != "recurrent network on a line":  # the code around it holds [B, L, C], where no action is known
        assert len(result.culprits) == 1, str(result)
    with pytest.raises(EquivarianceError, match="Fix"):
        result.require()


@pytest.mark.parametrize("name", CLEAN)
def test_no_clean_network_is_accused(name):
    case = CLEAN[name]
    result = found(case, layers=True)
    assert result.verdict == "exact", str(result)
    assert result.culprits == ()
    assert result.guilty == "none"
    result.require()


def test_there_are_enough_of_both_over_all_domains():
    assert len(BROKEN) + len(IMAGES) + len(GRAPHS) + len(STRANDS) >= 50
    assert len(BROKEN) >= 25
    assert len(CLEAN) >= 25
    assert {c.data for c in CLEAN.values()} >= DOMAINS
    assert {c.data for c in BROKEN.values()} | {"strand"} >= DOMAINS  # the strands have a file of their own


def test_voxels_of_unequal_sides_have_no_rotations_of_the_cube():
    """Declared as what it is, an anisotropic grid refuses the cube's group before any network is built."""
    with pytest.raises(DomainError, match=r"spacing 2\.5 and 1"):
        Grid(3, spacing=(2.5, 1, 1)).field("O", "1 trivial")
