"""Which symmetries the distribution of a data set has."""

from typing import Any

import torch
from torch import Tensor

from erlangen.audit.candidates import candidates_of
from erlangen.audit.discovery import Discovery
from erlangen.audit.energy import Change, Step, Trial, scan_data
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.generators import is_letters, moving_rep, turns_of, vector_size
from erlangen.audit.probe import check_input, probe_from
from erlangen.blueprint import Field, Signal
from erlangen.errors import DataError, DomainError, FieldError
from erlangen.grids import Grid
from erlangen.point import Point

SAMPLES = 512  # if nobody says how many
FEWEST = 32  # samples below which little can be rejected
PAIR = 4  # samples of a class that make two halves
SMOOTH = ("rotation", "scale", "shear", "hyperbolic", "colour")
TURNS = (0.7, 1.9, 3.1)  # radians, of which none has a finite order
SCALES = (-0.5, 0.5)
WORD = 3  # letters, whose counts are compared beside the letters in their places


def discover_data(
    data: Any, in_field: Field | None, vectors: int | None, samples: int | None, seed: int, dtype: torch.dtype
) -> Discovery:
    """Test every group of the domain on samples, of a data set those to train on (see `discover` for the arguments).

    Raises:
        DataError: there are fewer than four samples.
        FieldError: nothing says what the data live on.
        DomainError: the data are graphs.
    """
    if hasattr(data, "train") and hasattr(data, "field"):
        in_field, data = in_field or data.field(), data.train
    field, notes = field_or_guess(None, data, in_field)
    if field is None:
        raise FieldError("nothing says what the data live on. Fix: in_field=, such as Grid(2).field(None, 1).")
    count = SAMPLES if samples is None else samples
    chunk = probe_from(data, count, seed, dtype, batch_size=count).chunks[0]
    x = chunk.signal
    if isinstance(x, Signal):
        raise DomainError(
            "graphs have no order of nodes, so every distribution of graphs is invariant under permutations; there is "
            "nothing to test. Fix: give a network as well, discover(model, data)."
        )
    check_input(field, x)
    x, classes, words = _classes(x, chunk.targets)
    features = _letters_and_words if is_letters(field) else _same
    groups = scan_data(x, classes, _trials(field, x, vectors, seed), seed, features)
    notes += words
    if len(x) < FEWEST:
        notes.append(f"{len(x)} samples are few: hardly anything can be rejected. Give {FEWEST} or more")
    notes.append("not rejected: moved samples cannot be told from the others, which is no proof")
    return Discovery("data", repr(field.space), len(x), seed, {}, tuple(groups), tuple(notes))


def field_or_guess(model: Any, data: Any, in_field: Field | None) -> tuple[Field | None, list[str]]:
    """The declared field, or for a plain batch the usual one, with the assumption in words.

    Args:
        model: the network, which may declare its input.
        data: the samples.
        in_field: as declared.
    """
    if in_field is not None or hasattr(model, "in_field") or not isinstance(data, Tensor):
        return in_field, []
    d, channels = data.ndim - 2, data.shape[1] if data.ndim > 1 else 0
    if d not in (0, 1, 2, 3):
        raise FieldError(
            f"what is a batch of shape {list(data.shape)}? Fix: in_field=, such as Grid(2).field(None, 3)."
        )
    field = Grid(d).field("C1", channels) if d else Point().field("C1", channels)
    return field, [f"the input is taken to be {channels} channels on {field.space}, without a declared symmetry"]


def _classes(x: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor, list[str]]:
    """The samples of classes that are large enough, their classes, and what that means in words.

    Raises:
        DataError: there are too few samples.
    """
    if len(x) < PAIR:
        raise DataError(f"{len(x)} samples make no two halves. Fix: give {FEWEST} or more.")
    alone = torch.zeros(len(x), dtype=torch.long)
    if targets is None or targets.is_floating_point() or targets.ndim != 1:
        return x, alone, []
    names, inverse, counts = targets.unique(return_inverse=True, return_counts=True)
    large = (counts >= PAIR)[inverse]
    if not bool(large.any()):
        return x, alone, [f"no label has {PAIR} samples, so labels are not looked at"]
    words = ["every label is compared with itself, so that moved samples must keep their label"]
    left_out = int((counts < PAIR).sum())
    if left_out:
        words.append(f"{left_out} of {len(names)} labels have fewer than {PAIR} samples and are left out")
    return x[large], targets[large], words


def _trials(field: Field, x: Tensor, vectors: int | None, seed: int) -> list[Trial]:
    """Finite groups move one half of the samples; continuous motions interpolate, so they move both halves half way."""
    rep = moving_rep(field)
    trials, keys = [], {}
    for candidate in candidates_of(field, x, vectors, seed):
        steps = [
            Step(a.label, keys.setdefault(id(a), len(keys)), lambda z, a=a: a.move(z, rep), _same)
            for a in candidate.actions
        ]
        trials.append(Trial(candidate.name, candidate.order, tuple(steps)))
    key = len(keys)
    for name, times, part in _motions(field, x, vectors, rep):
        steps = [Step(f"{name} {t:.2g}", key + i, part(t / 2), part(-t / 2)) for i, t in enumerate(times)]
        key += len(steps)
        trials.append(Trial(name, None, tuple(steps)))
    return trials


def _motions(field: Field, x: Tensor, vectors: int | None, rep: Any) -> list[tuple[str, tuple[float, ...], Any]]:
    """(name, times, t → exp(tA)) of the one-parameter groups."""
    found = []
    for flow in flows_of(field, x):
        if flow.family in SMOOTH or flow.family == field.group.name:
            found.append((flow.name, flow.times[:: max(1, len(flow.times) // 4)], _part(flow, rep)))
    if isinstance(field.space, Point) and field.rep.is_trivial:
        for name, generator in turns_of(vector_size(field, vectors)):
            found.append((name, SCALES if name == "scaling" else TURNS, _on_vectors(generator)))
    return found


def _part(flow: Flow, rep: Any) -> Any:
    return lambda t: lambda z: flow.move(z, t, rep)


def _on_vectors(generator: Any) -> Any:
    def part(t: float) -> Change:
        turn = torch.matrix_exp(t * torch.from_numpy(generator))
        return lambda z: (z.unflatten(1, (-1, len(turn))) @ turn.to(z).mT).flatten(1)

    return part


def _same(x: Tensor) -> Tensor:
    return x


def _letters_and_words(x: Tensor) -> Tensor:
    """Letters in their places beside counts of words of three letters, both to the same scale.

    Args:
        x: [n, 4, length] one-hot letters.
    """
    length = x.shape[2]
    letters = x.flatten(1) / max(1, length) ** 0.5
    if length < WORD:
        return letters
    ends = length - WORD + 1
    words = torch.einsum("nal,nbl,ncl->nabc", *(x[:, :, i : i + ends] for i in range(WORD))).flatten(1) / ends**0.5
    sizes = [(part - part.mean(0)).norm(dim=1).mean().clamp_min(1e-9) for part in (letters, words)]
    return torch.cat([letters / sizes[0], words / sizes[1]], 1)
