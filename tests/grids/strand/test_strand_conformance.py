"""Every layer of a strand, and deep networks of every kind of block, keep every law of the conformance suite."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
import torch

from erlangen import Classify, Count, Predict, Profile, Regress, Segment, derive
from erlangen.blueprint import EquivariantModule, Field
from erlangen.errors import LawError
from erlangen.grids import Conv, strand
from erlangen.grids.strand import (
    ButterflyNonlinearity,
    FrameFeatures,
    Frames,
    GatedStateSpace,
    Kmers,
    ParityLinear,
    ProfileReadout,
    Residual,
    StateSpace,
    Strand,
    StrandAttention,
    TokenEmbedding,
    VectorReadout,
)
from erlangen.testing import check

pytestmark = pytest.mark.filterwarnings("ignore")


def dna(rep: str = "letters", group: str = "RC") -> Field:
    return Strand().field(group, rep)


EVERY_LAW: dict[str, Callable[[], EquivariantModule]] = {
    "lift": lambda: Conv(dna(), dna("2 regular"), 5),
    "conv": lambda: Conv(dna("2 regular + sign"), dna("2 regular + 2 trivial"), 3),
    "conv even": lambda: Conv(dna("2 regular"), dna("2 regular"), 4, padding=2),
    "conv strided": lambda: Conv(dna("2 regular"), dna("2 regular"), 4, stride=2, padding=1, inexact="refuse"),
    "conv dilated": lambda: Conv(dna("2 regular"), dna("2 regular"), 3, dilation=3, groups=2),
    "conv to letters": lambda: Conv(dna("2 regular"), dna(), 1),
    "butterfly": lambda: ButterflyNonlinearity(dna("3 trivial + 2 sign")),
    "butterfly mixed": lambda: ButterflyNonlinearity(dna("2 trivial + 3 sign + 2 regular + 1 trivial"), "gelu"),
    "butterfly odd": lambda: ButterflyNonlinearity(dna("2 sign")),
    "butterfly strands": lambda: ButterflyNonlinearity(dna("2 regular")),
    "parity linear": lambda: ParityLinear(dna("3 trivial + 2 sign"), dna("2 trivial + 4 sign")),
    "parity linear even": lambda: ParityLinear(dna("3 trivial"), dna("2 trivial"), bias=False),
    "residual": lambda: Residual(Conv(dna("2 regular"), dna("2 regular"), 3)),
    "residual projected": lambda: Residual(Conv(dna(), dna("2 regular"), 3)),
    "attention": lambda: StrandAttention(dna("3 regular"), dna("2 regular + 1 sign"), heads=2),
    "attention to letters": lambda: StrandAttention(dna(), heads=1, head_size=3),
    "attention without symmetry": lambda: StrandAttention(dna("3 trivial", "C1"), heads=1),
    "state space": lambda: StateSpace(dna("3 regular"), 4),
    "state space without symmetry": lambda: StateSpace(dna("3 trivial", "C1")),
    "gated state space": lambda: GatedStateSpace(dna(), dna("2 regular")),
    "k-mers": lambda: Kmers(dna(), 3),
    "k-mers padded": lambda: Kmers(dna(), 2, padding=3),
    "embedding": lambda: TokenEmbedding(dna("kmers(2)"), dna("2 regular")),
    "vector readout": lambda: VectorReadout(dna("3 regular + 2 sign"), Classify(2, rep="regular"), 0.3),
    "vector readout of frames": lambda: VectorReadout(dna("3 regular + 2 frames"), Classify(6, rep="frames")),
    "count readout": lambda: VectorReadout(dna("3 regular"), Count("2 regular + trivial")),
    "profile readout": lambda: ProfileReadout(dna("3 regular"), Profile("regular + trivial"), 5),
    "network binding": lambda: derive(dna(), Classify(2), "tiny"),
    "network attention": lambda: derive(dna(), Classify(2), "tiny", block="attention", words=1),
    "network state space": lambda: derive(dna(), Regress(1), "tiny", block="state-space"),
    "network even and odd": lambda: derive(dna(), Classify(2), "tiny", hidden="3 trivial + 1 sign"),
    "network words": lambda: derive(dna(), Regress(1), "tiny", words=3),
    "network U": lambda: derive(dna(), Profile("regular"), "tiny", coarsen_after=(0,)),
    "network profile": lambda: derive(dna(), Profile("regular"), "tiny"),
    "network letters": lambda: derive(dna(), Segment(4, rep="letters"), "tiny"),
    "network counts": lambda: derive(dna(), Count("regular"), "tiny"),
}
FRAMES: dict[str, Callable[[], EquivariantModule]] = {
    "frames": lambda: Frames(dna("6 regular")),
    "frames without symmetry": lambda: Frames(dna("6 trivial", "C1")),
    "frame features": lambda: FrameFeatures(dna(), 2),
    "network of frames": lambda: derive(dna(), Predict("1 frames"), "tiny"),
}


LONG = {
    "network binding",
    "network profile",
    "network attention",
    "network state space",
    "network even and odd",
    "network words",
    "network U",
    "network letters",
    "network counts",
    "network of frames",
}  # whole networks whose layers are all looked at by themselves
VARIANTS = {
    *("conv", "conv even", "conv strided", "conv dilated", "conv to letters", "butterfly mixed", "butterfly odd"),
    *("butterfly strands", "parity linear even", "residual projected", "attention to letters"),
    *("attention without symmetry", "state space without symmetry", "k-mers padded", "vector readout of frames"),
    "count readout",
}  # layers of a class that is there under another name too


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in EVERY_LAW])
def test_every_layer_keeps_every_law(name: str, left_to_slow: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    check(EVERY_LAW[name](), skip=left_to_slow if name in VARIANTS else ())


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in FRAMES])
def test_frames_keep_every_law_but_that_of_shifts(name: str) -> None:
    """A shift rotates the frames, so the law of translation, which leaves channels alone, is not theirs."""
    torch.manual_seed(0)
    check(FRAMES[name](), skip=("translation",))
    with pytest.raises(LawError) as error:
        check(FRAMES[name](), only=["translation"])
    assert error.value.laws == ("translation",)


def test_no_layer_is_forgotten() -> None:
    classes = set()
    for file in Path(strand.__file__).parent.glob("*.py"):
        module = import_module(f"erlangen.grids.strand.{file.stem}".removesuffix(".__init__"))
        found = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, EquivariantModule)]
        classes |= {c for c in found if c.__module__ == module.__name__}
    assert len(classes) >= 11
    used = {type(part) for build in (EVERY_LAW | FRAMES).values() for part in build().modules()}
    assert classes <= used


@pytest.mark.parametrize("length", [100, 101])
@pytest.mark.parametrize("kind", ["residual", "attention", "state-space", "dense"])
@pytest.mark.parametrize("hidden", ["regular", "3 trivial + 1 sign"])
def test_deep_networks_are_exact(kind: str, hidden: str, length: int) -> None:
    """Eight blocks with pooling: rounding only, in both precisions, in training too."""
    torch.manual_seed(0)
    network = derive(dna(), Classify(3), "tiny", depth=8, width=0.5, block=kind, hidden=hidden, coarsen_after=(0, 3))
    x = torch.nn.functional.one_hot(torch.randint(4, (4, length)), 4).movedim(-1, 1)
    for dtype, limit in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        network = network.to(dtype)
        for training in (True, False):
            network.train(training)
            network.steps[-1].train(False)  # dropout of the head draws anew
            with torch.no_grad():
                y, other = network(x.to(dtype)), network(network.in_field.act(1, x.to(dtype)))
            assert float((y - other).abs().max() / y.abs().max()) <= limit


@pytest.mark.parametrize("length", [60, 61])
@pytest.mark.parametrize("task", [Profile("2 regular + trivial"), Segment(4, rep="letters"), Predict("frames")])
@pytest.mark.parametrize("kind", ["residual", "attention", "state-space"])
def test_deep_networks_along_the_strand_are_exact(kind: str, task: Profile, length: int) -> None:
    """What comes out along the strand is flipped, and each channel goes to its own partner, not to the last in turn."""
    torch.manual_seed(0)
    network = derive(dna(), task, "tiny", depth=7, width=0.5, block=kind).double().eval()
    x = torch.randn(2, 4, length, dtype=torch.float64)
    with torch.no_grad():
        y, other = network(x), network(network.in_field.act(1, x))
    assert float((network.out_field.act(1, y) - other).abs().max() / y.abs().max()) <= 1e-12
    plain_flip = float((y.flip(1, 2) - other).abs().max() / y.abs().max())
    assert (plain_flip <= 1e-12) == (task.name == "segment")  # A C G T is the one order in which partners mirror
