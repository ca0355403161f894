"""Encoding steps: which keep the symmetry of the physical domain, which do not, and why."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.audit import audit
from erlangen.errors import DomainError, FieldError
from erlangen.grids import Grid, Strand
from erlangen.grids.strand.tokens import words
from erlangen.point import Point

IMAGE = Grid(2).field("D4", 1)
QUICK = {"continuous": False, "stability": False}


def images(channels: int = 1, n: int = 32) -> Tensor:
    return torch.rand(6, channels, n, n, generator=torch.Generator().manual_seed(0))


def of_images(step, channels: int = 1, n: int = 32):
    field = IMAGE.with_rep(channels)
    return audit(step, images(channels, n), in_field=field, out_field=field, **QUICK)


def floor_index(x: Tensor, m: int = 20) -> Tensor:
    """A resize that rounds indices down."""
    i = (torch.arange(m) * x.shape[-1] / m).long()
    return x[..., i, :][..., i]


def normalise(x: Tensor) -> Tensor:
    return (x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True)


@pytest.mark.parametrize(
    ("step", "channels"),
    [
        (lambda x: functional.interpolate(x, (20, 20), mode="bilinear", antialias=True), 1),
        (lambda x: functional.interpolate(x, (17, 17), mode="area"), 1),
        (lambda x: x[..., 4:28, 4:28], 1),
        (normalise, 3),
        (lambda x: functional.pad(x, (2, 2, 2, 2), "reflect"), 1),
    ],
    ids=["bilinear", "area", "crop", "normalise", "pad"],
)
def test_symmetric_steps_are_exact(step, channels):
    found = of_images(step, channels)
    assert found.verdict == "exact", str(found)
    assert not found.culprits


def test_the_cell_that_a_resize_reads_must_lie_on_the_centre():
    """32 to 20 pixels with indices rounded down: the first pixel is read, the last is not."""
    found = of_images(floor_index)
    assert found.verdict == "broken"
    (row,) = found.culprits
    assert (row.name, row.kind) == ("floor_index", "function")
    assert "do not lie symmetrically" in row.cause
    assert "the first is 0 pixels from one end and the last 1 from the other" in row.cause
    assert "align the centres" in row.remedy
    assert any("of D4 hold exactly 1 (r270·m), and do not 6 (r90," in note for note in found.notes)  # the transpose
    shifts = "shift-x+1, shift-x+2, shift-x+4, shift-y+1, shift-y+2, shift-y+4 were left out"
    assert any(note.startswith(shifts) for note in found.notes)
    assert {p["name"] for p in found.picture["panels"]} >= {"x", "f(g·x)", "g·f(x)", "difference"}
    nearest = of_images(lambda x: functional.interpolate(x, (16, 16)))
    assert "the centre moves by 0.5" in nearest.culprits[0].cause


def test_crops_off_the_centre():
    odd = of_images(lambda x: x[..., 4:27, 4:27]).culprits[0]
    assert "off the centre by 0.5 pixels" in odd.cause
    assert "leaves 4 pixels before and 5 after" in odd.cause
    assert "32 to 22 or 24" in odd.remedy
    off = of_images(lambda x: x[..., 2:26, 4:28]).culprits[0]
    assert "off the centre by 2 pixels along axis -2" in off.cause
    assert "start at pixel 4" in off.remedy

    class Crop(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[..., 4:27, 4:27]

    inside = audit(nn.Sequential(Crop(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), images(), in_field=IMAGE, **QUICK)
    assert [(r.name, r.cause) for r in inside.culprits] == [("0", odd.cause)]


def test_axes_that_are_resized_by_different_factors():
    found = of_images(lambda x: functional.interpolate(x, (16, 8), mode="bilinear"))
    assert "2 × 4 pixels of the input" in found.culprits[0].cause
    kept = {a.label for a in found.actions if a.family == "D4" and a.worst < 1e-5}
    assert kept == {"r180", "m", "r180·m"}


def test_values_that_belong_to_a_position():
    mean = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
    for step in (lambda x: x - mean, lambda x: x * torch.hann_window(32)):
        found = of_images(step, 3)
        assert found.verdict == "broken"
        assert "a value of its own" in found.culprits[0].cause


# letters


LETTERS = Strand().field("RC", "letters")


def strands(length: int) -> Tensor:
    letters = torch.randint(4, (8, length), generator=torch.Generator().manual_seed(0))
    return functional.one_hot(letters, 4).mT.float()


def tokens(stride: int):
    return lambda x: words(x, 3)[..., ::stride]


def numbers(stride: int):
    """Numbers of words, as a tokeniser gives them."""
    return lambda x: words(x, 3)[..., ::stride].argmax(1)


@pytest.mark.parametrize("make", [tokens, numbers])
def test_words_of_letters_under_the_reverse_complement(make):
    out = LETTERS.with_rep("kmers(3)")
    for length, stride in ((30, 3), (31, 1), (31, 2)):
        found = audit(make(stride), strands(length), in_field=LETTERS, out_field=out, **QUICK)
        assert found.verdict == "exact", str(found)
    found = audit(make(3), strands(31), in_field=LETTERS, out_field=out, **QUICK)
    assert found.verdict == "broken"
    assert "10 words of 3 letters start at 0, 3, 6 … and leave 1 letter at the end" in found.culprits[0].cause
    assert "30 or 33 letters instead of 31" in found.culprits[0].remedy


def test_words_whose_complement_is_another():
    found = audit(lambda x: x[:, [1, 0, 2, 3]], strands(30), in_field=LETTERS, out_field=LETTERS, **QUICK)
    assert found.verdict == "broken"
    assert "not the reverse complement" in found.culprits[0].cause


def test_more_words_than_the_vocabulary_has():
    with pytest.raises(FieldError, match=r"label \d+, but out_field has 4 channels"):
        audit(numbers(1), strands(30), in_field=LETTERS, out_field=LETTERS, **QUICK)


def test_a_word_that_only_the_other_strand_has_is_no_word():
    """Numbers outside the vocabulary are not taken for the last word of it."""
    out = LETTERS.with_rep("kmers(3)")

    x = torch.zeros(2, 4, 9)
    x[:, 3] = 1.0  # only the last word, TTT; the other strand holds AAA

    def outside(x: Tensor) -> Tensor:
        found = words(x, 3).argmax(1)
        return torch.where(found == 0, 64, found)

    found = audit(outside, x, in_field=LETTERS, out_field=out, **QUICK)
    assert found.verdict == "broken"
    assert found.max_error == pytest.approx(1.0)  # an indicator is missing, none is in its place


# points to voxels


CUBE = Grid(3).field("O", 1)
POINTS = Point().field(CUBE.group, "20 standard")


def voxels(sides: tuple[float, float, float], shift: float = 0.0, n: int = 8):
    """How many of 20 points (x, y, z) lie in every voxel."""

    def voxelise(x: Tensor) -> Tensor:
        place = torch.floor(x.reshape(len(x), -1, 3) / torch.tensor(sides).to(x) + n / 2 + shift).long()
        inside = ((place >= 0) & (place < n)).all(2)
        sample = torch.arange(len(x))[:, None].expand_as(inside)
        out = torch.zeros(len(x), n, n, n, dtype=x.dtype)
        where = (sample[inside], *(place[..., a][inside] for a in (2, 1, 0)))
        return out.index_put_(where, torch.ones(int(inside.sum()), dtype=x.dtype), accumulate=True)[:, None]

    return voxelise


def cloud() -> Tensor:
    return 2 * torch.rand(6, 60, generator=torch.Generator().manual_seed(0)) - 1


def test_cubic_voxels_keep_every_rotation_of_the_cube():
    found = audit(voxels((0.25, 0.25, 0.25)), cloud(), in_field=POINTS, out_field=CUBE, **QUICK)
    assert found.verdict == "exact", str(found)
    assert len(found.actions) == 23


def test_anisotropic_voxels_lose_the_rotations_that_exchange_axes():
    found = audit(voxels((0.25, 0.25, 0.5)), cloud(), in_field=POINTS, out_field=CUBE, **QUICK)
    assert found.verdict == "broken"
    assert "the voxels are not cubes: 0.25 × 0.25 × 0.5 along x, y, z" in found.culprits[0].cause
    assert sum(a.worst < 1e-5 for a in found.actions) == 7  # the D4 about z, less the identity
    with pytest.raises(DomainError, match="does not have the symmetry O"):
        Grid(3, spacing=(0.5, 0.25, 0.25)).field("O", 1)
    honest = Grid(3, spacing=(0.5, 0.25, 0.25)).field("D4", 1)
    points = Point().field(honest.group, "20 standard")
    assert audit(voxels((0.25, 0.25, 0.5)), cloud(), in_field=points, out_field=honest, **QUICK).verdict == "exact"


def test_a_grid_of_voxels_off_the_centre():
    found = audit(voxels((0.25, 0.25, 0.25), shift=0.5), cloud(), in_field=POINTS, out_field=CUBE, **QUICK)
    assert "0.5 voxels off the centre" in found.culprits[0].cause


def test_require_names_the_step():
    with pytest.raises(AssertionError, match=r"(?s)failed at floor_index \(function\).*Fix: align the centres"):
        of_images(floor_index).require(1e-3)
