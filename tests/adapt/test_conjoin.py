"""Conjoining makes any network equivariant; augmentation by elements moves signals and targets exactly."""

import pickle

import pytest
import torch
from torch import nn

import erlangen as eg
from erlangen.adapt import Conjoin, RandomElement, augmentation
from erlangen.adapt.symmetrized import COMBINATIONS
from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.grids.strand import Strand


def plain(outputs: int, dense: bool = False) -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv1d(4, 8, 7, padding=3), nn.ReLU(), nn.Conv1d(8, outputs, 4 if not dense else 1)]
    return nn.Sequential(*layers) if dense else nn.Sequential(*layers, nn.AdaptiveMaxPool1d(1), nn.Flatten())


LETTERS = Strand(30).field("RC", "letters")


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_a_conjoined_classifier_reads_both_strands_alike(combine: str) -> None:
    model = plain(3).double()
    x = torch.randn(5, 4, 30, dtype=torch.float64)
    both = Conjoin(model, LETTERS, eg.Classify(3), combine)
    assert torch.equal(both(LETTERS.act(1, x)).argmax(1), both(x).argmax(1))
    assert torch.allclose(both(LETTERS.act(1, x)), both(x), atol=1e-12)
    assert not torch.allclose(model(LETTERS.act(1, x)), model(x), atol=1e-3)
    assert torch.allclose(pickle.loads(pickle.dumps(both))(x), both(x))
    assert both(x[:0]).shape == (0, 3)


@pytest.mark.parametrize("rep", ["regular", "regular + trivial", "letters", "sign + trivial"])
def test_conjoined_tracks_are_swapped_and_turned(rep: str) -> None:
    task = eg.Predict(rep)
    out = LETTERS.with_rep(rep)
    model = plain(out.size, dense=True).double()
    x = torch.randn(5, 4, 30, dtype=torch.float64)
    both = Conjoin(model, LETTERS, task)
    assert torch.allclose(both(LETTERS.act(1, x)), out.act(1, both(x)), atol=1e-12)
    assert not torch.allclose(model(LETTERS.act(1, x)), out.act(1, model(x)), atol=1e-3)


def test_images_too() -> None:
    field = eg.Grid(2, (8, 8)).field("D4")
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 2)).double()
    both = Conjoin(model, field, eg.Classify(2))
    x = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    for g in field.group.elements:
        assert torch.allclose(both(field.act(g, x)), both(x), atol=1e-12)


def test_the_mean_is_the_mean_and_an_equivariant_network_keeps_its_values() -> None:
    model, x = plain(2), torch.randn(4, 4, 30)
    both = Conjoin(model, LETTERS, eg.Classify(2))
    assert torch.allclose(both(x), (model(x) + model(LETTERS.act(1, x))) / 2, atol=1e-6)
    probability = Conjoin(model, LETTERS, eg.Classify(2), "probability")
    mean = (model(x).softmax(1) + model(LETTERS.act(1, x)).softmax(1)) / 2
    assert torch.allclose(probability(x).softmax(1), mean, atol=1e-6)
    net = eg.derive(LETTERS, eg.Classify(2), "tiny").eval()
    assert torch.allclose(Conjoin(net, LETTERS)(x), net(x), atol=1e-5)


def test_an_audit_finds_a_conjoined_network_exact_and_its_part_not() -> None:
    data = eg.data.load("motifs", train=16, test=32, length=30)
    model = plain(2)
    assert eg.audit(Conjoin(model, LETTERS, data.task), data, samples=16).verdict == "exact"
    assert eg.audit(model, data, samples=16).verdict != "exact"


def test_conjoined_networks_train() -> None:
    data = eg.data.load("motifs", train=32, test=8, length=30)
    run = eg.fit(Conjoin(plain(2), data.field(), data.task), data, epochs=1, batch_size=8, progress=False)
    assert run.metrics["steps"] == 4


def test_mistakes_are_refused() -> None:
    with pytest.raises(FieldError, match="give task="):
        Conjoin(plain(2), LETTERS)
    with pytest.raises(UnknownName, match="Did you mean 'mean'"):
        Conjoin(plain(2), LETTERS, eg.Classify(2), "means")
    with pytest.raises(FieldError, match="maximum does not commute"):
        Conjoin(plain(1, True), LETTERS, eg.Predict("sign"), "max")


def half(count: int) -> torch.Generator:
    return torch.Generator().manual_seed(count)


def test_random_elements_move_about_half_of_the_strands() -> None:
    augment = augmentation("RC", LETTERS.space, lambda name: LETTERS)
    assert isinstance(augment, RandomElement)
    x = torch.randn(400, 4, 30)
    y = augment(x, half(0))
    turned = LETTERS.act(1, x)
    moved, kept = ((y == z).flatten(1).all(1) for z in (turned, x))
    assert (moved ^ kept).all()
    assert 150 < moved.sum() < 250
    assert torch.equal(augment(x, half(0)), y)
    assert not torch.equal(augment(x, half(1)), y)


@pytest.mark.parametrize(
    ("task", "target"),
    [
        (eg.Profile("regular + trivial"), lambda x: torch.stack([x[:, 0] + x[:, 1], x[:, 2] + x[:, 3], x.sum(1)], 1)),
        (eg.Profile("regular"), lambda x: (x[:, [0, 3]] > 2).long() + 3),
        (eg.Count("regular"), lambda x: x[:, [0, 3]].sum(2).long().clamp(min=0)),
        (eg.Segment(4, rep="letters"), lambda x: torch.where(x[:, 0] > 1, -1, x.argmax(1))),
        (eg.Segment(2), lambda x: (x[:, 0] + x[:, 3] > 0).long()),
        (eg.Classify(2), lambda x: (x.sum((1, 2)) > 0).long()),
    ],
)
def test_targets_move_with_their_signals(task: eg.blueprint.Task, target) -> None:
    """Each target is an equivariant function of the signal, so it still is after both have moved."""
    x = torch.randint(-9, 9, (64, 4, 30)).float()
    known = target(x)
    if isinstance(task, eg.Segment) and task.rep:
        known = torch.where((x[:, 0] > 1) | (x[:, 3] > 1), -1, known)
        x = x + 0.1 * torch.rand(64, 4, 30)
        known = torch.where(known < 0, -1, x.argmax(1))
    augment = RandomElement(LETTERS, task)
    moved, answer = augment(x, half(0)), augment.targets(known, half(0))
    expected = target(moved)
    if isinstance(task, eg.Segment) and task.rep:
        expected = torch.where(answer < 0, -1, moved.argmax(1))
        assert (answer < 0).sum() == (known < 0).sum()
        assert not torch.equal(answer < 0, known < 0)
    assert torch.equal(answer, expected.to(answer.dtype))
    assert not torch.equal(moved, x)


def test_classes_that_the_group_exchanges_move_with_their_signals() -> None:
    """Which strand a motif is on: the reverse complement swaps the answers."""
    data = eg.data.load("stranded-motifs", train=200, error=0.0)
    swapped = RandomElement(data.field("RC"), eg.Classify(2, rep="regular"))
    x, y = data.train.signals, data.train.targets
    moved, answer = swapped(x, half(0)), swapped.targets(y, half(0))
    turned = (moved != x).flatten(1).any(1)
    assert torch.equal(answer, torch.where(turned, 1 - y, y))
    counts = torch.stack([y + 1.0, 3.0 - y], 1)
    tracks = RandomElement(data.field("RC"), eg.blueprint.task_from({"task": "count", "rep": "regular"}))
    assert torch.equal(tracks.targets(counts, half(0)), torch.where(turned[:, None], counts.flip(1), counts))
    net = eg.derive(data.field("C1"), eg.Classify(2), "tiny")
    both = Conjoin(net, data.field("RC"), eg.Classify(2, rep="regular")).eval()
    assert torch.allclose(both(data.field("RC").act(1, x[:8])), both(x[:8]).flip(1), atol=1e-5)


def test_fit_moves_dense_targets() -> None:
    data = eg.data.load("profiles", train=8, test=4, length=32)
    scalars = eg.derive(data.field("C1"), eg.Profile("3 trivial"), "tiny")
    run = eg.fit(scalars, data, epochs=1, batch_size=4, augment="RC", progress=False)
    assert run.metrics["test_loss"] is not None
    images = eg.data.from_arrays(
        torch.randn(8, 1, 8, 8), torch.zeros(8, 8, 8).long(), eg.Grid(2, (8, 8)).field("C4"), eg.Segment(2)
    )
    with pytest.raises(DomainError, match="leave the targets behind"):
        eg.fit(eg.derive(images.field(), images.task, "tiny"), images, epochs=1, augment="rotation", progress=False)


def test_names_of_groups_are_augmentations() -> None:
    assert augmentation("none", eg.Grid(2)) is None
    mirrored = augmentation("D1", eg.Grid(2))
    assert isinstance(mirrored, RandomElement)
    x = torch.randn(50, 1, 6, 6)
    assert torch.equal(
        (mirrored(x, half(0)) == x).flatten(1).all(1), ~(mirrored(x, half(0)) == x.flip(3)).flatten(1).all(1)
    )
    with pytest.raises(UnknownName, match="unknown augmentation 'rotatoin'"):
        augmentation("rotatoin", eg.Grid(2))
    with pytest.raises(DomainError):
        augmentation("C4", eg.Grid(2, (6, 8)))
