"""Augmentations by name: seeded, composed, on the domain they are for, with the targets they move."""

import re

import pytest
import torch
from torch import Tensor, nn

import erlangen as eg
from erlangen import Graphs, Grid, HexGrid, Point, Segment, Signal, Strand
from erlangen.adapt import augmentation
from erlangen.adapt.augment import COLOURS, KORNIA, NAMES
from erlangen.adapt.bend import RandomElastic, RandomPerspective, TimeWarp
from erlangen.adapt.compose import Compose
from erlangen.adapt.light import RandomColour, RandomLight, RandomNoise
from erlangen.adapt.relabel import RandomNames
from erlangen.adapt.turn import RandomMatrix
from erlangen.errors import DomainError, FieldError, MissingExtra, UnknownName

IMAGES = [n for n in NAMES if n not in ("none", "time-warp", "relabel", "edge-order")]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def need_kornia(*names: str) -> None:
    if set(names) & set(KORNIA):
        pytest.importorskip("kornia")


def graphs() -> Signal:
    return Graphs().sample_signal(Graphs().field(None, 2), 3, seeded(0))


def drawn(name: str) -> "tuple[object, object]":
    """A domain for an augmentation, and a signal on it."""
    generator = seeded(7)
    if name == "time-warp":
        return Grid(1), torch.randn(6, 2, 40, generator=generator)
    if name in ("relabel", "edge-order"):
        return Graphs(), graphs()
    return Grid(2), torch.rand(6, 3, 16, 16, generator=generator)


def tensors(signal: "Tensor | Signal") -> list[Tensor]:
    return [signal.x, signal.on.col] if isinstance(signal, Signal) else [signal]


@pytest.mark.parametrize("name", [n for n in NAMES if n != "none"])
def test_every_name_is_seeded_and_does_something(name: str) -> None:
    need_kornia(name)
    space, x = drawn(name)
    augment = augmentation(name, space)
    before = torch.random.get_rng_state()
    one, again, other = (tensors(augment(x, seeded(s))) for s in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, tensors(x), strict=True))
    assert [t.shape for t in one] == [t.shape for t in tensors(x)]
    assert all(bool(torch.isfinite(t.double()).all()) for t in one)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global stream is left alone


@pytest.mark.parametrize("name", ["hue", "colour", "illumination", "perspective", "elastic", "time-warp", "SO(3)"])
def test_every_example_has_its_own_draw(name: str) -> None:
    need_kornia(name)
    space, x = (Point(), torch.randn(1, 6)) if name == "SO(3)" else drawn(name)
    same = x[:1].expand(6, *x.shape[1:]).contiguous()
    field = (lambda g: Point().field(g, "2 standard")) if name == "SO(3)" else None
    moved = augmentation(name, space, field)(same, seeded(0)).flatten(1)
    assert torch.cdist(moved, moved).fill_diagonal_(1.0).min() > 1e-3


def test_names_compose() -> None:
    need_kornia("colour")
    space, x = drawn("colour")
    augment = augmentation("C4 + colour + noise", space, lambda g: Grid(2).field(g, "3 trivial"), Segment(2))
    assert isinstance(augment, Compose)
    assert [type(step).__name__ for step in augment.steps] == ["RandomElement", "RandomColour", "RandomNoise"]
    labels = (x[:, 0] > 0.5).long()
    moved, answer = augment(x, seeded(3)), augment.targets(labels, seeded(3))
    assert not torch.equal(answer, labels)
    turned = Compose(augment.steps[:1])
    first = turned(x, seeded(3))  # the first step of either draws the same seed
    assert torch.equal(answer, (first[:, 0] > 0.5).long())
    assert torch.equal(augment(x, seeded(3)), moved)
    assert augmentation("none+noise", space).__class__ is RandomNoise
    assert augmentation("none+none", space) is None
    boosts = lambda g: Point().field(g, "standard")  # noqa: E731
    with pytest.raises(DomainError, match="no distribution on"):
        augmentation("SO+(1,3)", Point(), boosts)  # the plus is part of a name


def test_colours_keep_to_their_range_and_grey_stays_grey() -> None:
    pytest.importorskip("kornia")
    x = torch.rand(4, 3, 8, 8, generator=seeded(0))
    for name in COLOURS:
        y = augmentation(name, Grid(2))(x, seeded(1))
        assert 0 <= float(y.min()) <= float(y.max()) <= 1
    hue = RandomColour(("hue",))(x, seeded(1))
    assert torch.allclose(hue.amax(1), x.amax(1), atol=1e-5)  # the value of hue, saturation and value is kept
    grey = x[:, :1].expand(-1, 3, -1, -1)
    assert torch.allclose(RandomColour(("hue",))(grey, seeded(1)), grey, atol=1e-5)
    assert not torch.equal(RandomColour()(x[:, :1], seeded(1)), x[:, :1])
    with pytest.raises(FieldError, match="images with 3 channels, got 1"):
        RandomColour(("hue",))(x[:, :1], seeded(1))
    with pytest.raises(FieldError, match="between 0 and 1"):
        RandomColour()(3 * x, seeded(1))


def test_light_is_a_smooth_positive_factor() -> None:
    x = torch.ones(200, 2, 9, 9)
    y = RandomLight(0.3)(x, seeded(0))
    assert (y > 0).all()
    assert torch.equal(y[:, 0], y[:, 1])
    log = y[:, 0].log()
    assert torch.allclose(log[:, 1:] - log[:, :-1], (log[:, 1:] - log[:, :-1])[:, :1].expand(-1, 8, -1), atol=1e-5)
    assert abs(float(log[:, 4, 4].std()) - 0.3) < 0.05
    assert torch.equal(RandomLight(0.0)(x, seeded(0)), x)


def test_noise_is_in_proportion() -> None:
    x = 50 * torch.randn(100, 3, 10, 10, generator=seeded(0))
    assert abs(float((RandomNoise(0.1)(x, seeded(1)) - x).std()) - 5) < 0.1
    noisy = RandomNoise()(graphs(), seeded(0))
    assert noisy.on.num_edges == graphs().on.num_edges


def test_strength_nothing_changes_nothing() -> None:
    pytest.importorskip("kornia")
    x = torch.rand(3, 1, 12, 12, generator=seeded(0))
    for made in (RandomPerspective(0.0), RandomElastic(0.0)):
        assert torch.allclose(made(x, seeded(0)), x, atol=1e-4)
    line = torch.randn(3, 2, 30)
    assert torch.allclose(TimeWarp(0.0)(line, seeded(0)), line, atol=1e-5)
    for kind in (RandomPerspective, RandomElastic, TimeWarp):
        with pytest.raises(DomainError, match="not negative"):
            kind(-1.0)


def test_elastic_displacements_have_the_size_they_say() -> None:
    """A ramp shows where its points come from."""
    pytest.importorskip("kornia")
    n = 64
    ramp = torch.linspace(-1, 1, n).expand(60, 1, n, n).contiguous()
    moved = RandomElastic(0.05)(ramp, seeded(0))[..., 12:-12, 12:-12]
    assert 0.035 < float((moved - ramp[..., 12:-12, 12:-12]).std()) < 0.065


def test_time_only_goes_forward() -> None:
    times = TimeWarp(0.8).times(50, 40, seeded(0))
    assert (times.diff(dim=1) > 0).all()
    assert torch.equal(times[:, 0], torch.zeros(50))
    assert torch.allclose(times[:, -1], torch.ones(50))
    assert (times - torch.linspace(0, 1, 40)).abs().max() > 0.1
    rising = torch.arange(40.0).expand(50, 1, 40)
    assert torch.allclose(TimeWarp(0.8)(rising, seeded(0))[:, 0], 39 * times, atol=1e-3)
    assert TimeWarp()(torch.ones(2, 1, 1), seeded(0)).shape == (2, 1, 1)


@pytest.mark.parametrize("group", ["O(3)", "SO(3)", "O(2)", "SO(4)"])
def test_vectors_are_turned_with_their_targets(group: str) -> None:
    d = int(group[-2])
    field = Point().field(group, "3 standard + trivial")
    augment = augmentation(group, Point(), lambda g: field, eg.Predict("standard + trivial"))
    assert isinstance(augment, RandomMatrix)
    x = torch.randn(400, 3 * d + 1, generator=seeded(0), dtype=torch.float64)
    target = torch.cat([x[:, :d] - 2 * x[:, d : 2 * d], x[:, -1:]], 1)
    moved, answer = augment(x, seeded(5)), augment.targets(target, seeded(5))
    assert torch.allclose(answer, torch.cat([moved[:, :d] - 2 * moved[:, d : 2 * d], moved[:, -1:]], 1))
    v, w = (t[:, : 3 * d].unflatten(1, (3, d)) for t in (x, moved))
    assert torch.allclose(v @ v.mT, w @ w.mT)
    signs = torch.linalg.det(v[:, :d, :d]).sign() * torch.linalg.det(w[:, :d, :d]).sign() if d <= 3 else None
    if signs is not None:
        assert bool((signs < 0).any()) == group.startswith("O")
    assert torch.equal(RandomMatrix(field, eg.Regress(2)).targets(target, seeded(5)), target)
    assert augment(x[:0], seeded(0)).shape == x[:0].shape


def test_names_of_nodes_go_with_their_targets() -> None:
    x = graphs()
    labels = (x.x[:, 0] > 0).long()
    augment = augmentation("relabel", Graphs(), None, Segment(2))
    moved, answer = augment(x, seeded(1)), augment.targets(labels, seeded(1))
    assert torch.equal(answer, (moved.x[:, 0] > 0).long())
    assert not torch.equal(moved.x, x.x)
    assert torch.equal(moved.on.graph_ptr, x.on.graph_ptr)
    degrees = [on.pattern.degree.sort().values for on in (x.on, moved.on)]
    assert torch.equal(*degrees)
    whole = torch.tensor([0, 1, 0])
    assert torch.equal(augmentation("relabel", Graphs(), None, eg.Classify(2)).targets(whole, seeded(1)), whole)
    with pytest.raises(FieldError, match="2 targets for the"):
        augment.targets(labels[:2], seeded(1))
    one = RandomNames(Segment(2))
    p = torch.randperm(5, generator=seeded(4))
    assert torch.equal(one.targets(torch.arange(5), seeded(4)), torch.argsort(p))
    shuffled = augmentation("edge-order", Graphs())
    mixed = shuffled(x, seeded(0))
    assert torch.equal(mixed.on.ptr, x.on.ptr)
    assert torch.equal(shuffled.targets(labels, seeded(0)), labels)


def test_training_with_composed_names_repeats_itself() -> None:
    need_kornia("colour")
    x = torch.rand(16, 3, 8, 8, generator=seeded(0))
    data = eg.data.from_arrays(x, (x[:, 0] > 0.5).long(), Grid(2, (8, 8)).field("C4", "3 trivial"), Segment(2))
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))
        runs.append(eg.fit(net, data, epochs=1, batch_size=8, augment="C4+colour+illumination+noise", progress=False))
    first, second = (run.model.state_dict() for run in runs)
    assert all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize(
    ("name", "space", "needs"),
    [
        ("hue", Grid(3), "Grid(2)"),
        ("elastic", HexGrid(), "Grid(2)"),
        ("perspective", Grid(1), "Grid(2)"),
        ("time-warp", Grid(2), "Grid(1)"),
        ("time-warp", Strand(), "Grid(1)"),
        ("noise", Strand(), "a grid, a point or a graph"),
        ("illumination", Graphs(), "a grid"),
        ("relabel", Grid(2), "Graphs()"),
        ("edge-order", Point(), "Graphs()"),
        ("rotation", Strand(), "Grid(2), HexGrid() or Grid(3)"),
    ],
)
def test_other_domains_are_refused(name: str, space: object, needs: str) -> None:
    with pytest.raises(DomainError, match=f"needs signals on {re.escape(needs)}"):
        augmentation(name, space)


def test_mistakes_teach(monkeypatch) -> None:
    need_kornia("elastic")
    for name in ("rotation", "warp", "elastic", "perspective"):
        with pytest.raises(DomainError, match="leave the targets behind"):
            augmentation(name, Grid(2), None, Segment(2))
    for name in ("noise", "illumination", "hue"):
        kept = torch.zeros(2, 4, 4).long()
        assert augmentation(name, Grid(2), None, Segment(2)).targets(kept, seeded(0)) is kept
    with pytest.raises(UnknownName, match="Did you mean 'colour'"):
        augmentation("C4+coulour", Grid(2))
    with pytest.raises(DomainError, match="moves no channel"):
        augmentation("SO(3)", Point())
    with pytest.raises(DomainError, match="no distribution on GL"):
        augmentation("GL(2)", Point(), lambda g: Point().field(g, "standard"))
    monkeypatch.setattr("erlangen.adapt.augment.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"erlangen\[vision\]"):
        augmentation("colour", Grid(2))
    assert augmentation("illumination", Grid(2)) is not None
