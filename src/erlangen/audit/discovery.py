"""`discover`: which symmetries a network or a data set has, without being told."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.algebra import Algebra, find_algebra
from erlangen.audit.candidates import candidates_of, generators_of, vector_size
from erlangen.audit.carry import Carrier, UnknownAction
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.lie import STILL
from erlangen.audit.measure import tensor
from erlangen.audit.probe import check_input, fields_of, forward, probe_from, quiet
from erlangen.audit.progress import showing
from erlangen.audit.scan import Found, scan_data, scan_network
from erlangen.audit.subject import Subject, prepare
from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import DomainError, ErlangenError, FieldError
from erlangen.files import write_atomically
from erlangen.grids import Grid
from erlangen.point import Point

FORMAT = "erlangen-discovery-1"
TOLERANCE = 0.05
FEWEST = 16  # samples below which nothing is significant
ENOUGH = 256  # samples that are compared with each other


@dataclass(frozen=True)
class Discovery:
    """The symmetries that were found.

    Args:
        subject: the class of the network, or "data".
        domain: what the input was taken to live on.
        samples: how many.
        algebras: hypothesis about the output ("invariant" or "moves like the input") → continuous symmetries.
        groups: the finite groups that were tried, smallest first.
        notes: what was assumed, and what could not be tried.
    """

    subject: str
    domain: str
    samples: int
    algebras: dict[str, Algebra]
    groups: tuple[Found, ...]
    notes: tuple[str, ...]

    @property
    def symmetries(self) -> tuple[str, ...]:
        """Names of all that hold: continuous ones, and finite groups that are exact or, for data, not rejected."""
        names = [n for a in self.algebras.values() for n in a.names]
        return (*dict.fromkeys(names), *(g.group for g in self.groups if g.verdict in ("exact", "not rejected")))

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able data."""
        return {"format": FORMAT, "symmetries": list(self.symmetries), **asdict(self)}

    def save(self, path: "str | Path") -> Path:
        """Write `to_dict` to a .json file.

        Raises:
            FieldError: another suffix.
            DataError: the file cannot be written.
        """
        target = Path(path)
        if target.suffix != ".json":
            raise FieldError(f"cannot save a discovery as {target.name!r}. Fix: let the name end in .json.")
        return write_atomically(target, json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")

    def __repr__(self) -> str:
        return f"Discovery({self.subject} on {self.domain}: {', '.join(self.symmetries) or 'nothing'})"

    def __str__(self) -> str:
        from erlangen.audit.discovery_text import discovery_text

        return discovery_text(self)


def discover(
    subject: Any,
    data: Any = None,
    *,
    in_field: Field | None = None,
    out_field: Field | None = None,
    vectors: int | None = None,
    samples: int = 128,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    dtype: torch.dtype = torch.float64,
    progress: bool = False,
) -> Discovery:
    """Measure which symmetries a network, or the distribution of a data set, has.

    Of a network: the Lie algebra of its continuous symmetries, as the null space of the Jacobian times the generators
    (motions of the points of a grid; all matrices on vectors), judged on samples it was not found on; and every finite
    group of the domain, element by element. Of data: two-sample tests, label by label where there are labels, of
    whether moved samples can be told from the others.

    Args:
        subject: a module; or data (a data set, a split, a batch), whose distribution is looked at.
        data: the samples on which a module is tried.
        in_field: what the input lives on; by default the model's, else the data set's, else guessed and said.
        out_field: what the output should do; by default the model's, else: vectors stay, maps move with the input.
        vectors: dimension of the vectors that the channels of a point are made of, such as 3 for positions.
        samples: how many samples.
        seed: of everything random.
        tolerance: largest response of a continuous symmetry, relative to random directions of the input.
        dtype: floating type to measure in.
        progress: whether to draw a bar on the error output.

    Returns:
        What was found, with its significance; it prints as a table.

    Raises:
        DataError: there are no samples.
        FieldError: nothing says what the input lives on, or the network fails on it.

    Source: Moskalev et al. 2022, LieGG, arXiv 2210.04345; Székely & Rizzo 2013, Energy statistics.
    """
    with showing(progress):
        if isinstance(subject, nn.Module):
            if data is None:
                raise FieldError("a network needs samples. Fix: discover(model, data), or discover(data).")
            return _of_network(subject, data, in_field, out_field, vectors, samples, seed, tolerance, dtype)
        return _of_data(subject, in_field, vectors, max(samples, ENOUGH), seed, dtype)


def _of_network(
    model: nn.Module,
    data: Any,
    in_field: Field | None,
    out_field: Field | None,
    vectors: int | None,
    samples: int,
    seed: int,
    tolerance: float,
    dtype: torch.dtype,
) -> Discovery:
    in_field, notes = _field_or_guess(model, data, in_field)
    in_field, out_field = fields_of(model, data, in_field, out_field)
    probe = probe_from(data, samples, seed, dtype, batch_size=samples)
    signal = probe.chunks[0].signal
    check_input(in_field, signal)
    with quiet(model, dtype) as still:
        subject = prepare(still, probe, in_field, out_field, data, [STILL], 1, seed, dtype)
        algebras = {}
        for name, moved in (("invariant", False), ("moves like the input", True)):
            if moved and not _could_move(subject, vectors):
                continue
            try:
                found = _algebra(subject, vectors, moved, seed, tolerance)
            except (UnknownAction, ErlangenError) as error:
                notes.append(f"no Lie algebra: {str(error).splitlines()[0]}")
                break
            if found is not None:
                algebras[_maps_move(subject, name)] = found
        groups, unknown = _groups(subject, vectors, seed)
    count = len(tensor(subject.outputs[0]))
    if count < FEWEST:
        notes.append(f"{count} samples are too few for a significance; give {FEWEST} or more")
    if algebras and all(a.dimension and len(a.combinations) == a.dimension for a in algebras.values()):
        notes.append("every combination of generators is kept: does the output depend on the input at all?")
    assumed = [] if out_field is not None else list(subject.assumed)
    return Discovery(
        type(model).__name__, repr(in_field.space), count, algebras, tuple(groups), (*notes, *assumed, *unknown)
    )


def _field_or_guess(model: Any, data: Any, in_field: Field | None) -> tuple[Field | None, list[str]]:
    """The declared field, or for a plain batch the usual one, with the assumption in words."""
    if in_field is not None or hasattr(model, "in_field") or not isinstance(data, Tensor):
        return in_field, []
    d, channels = data.ndim - 2, data.shape[1] if data.ndim > 1 else 0
    if d not in (0, 1, 2, 3):
        raise FieldError(
            f"what is a batch of shape {list(data.shape)}? Fix: in_field=, such as Grid(2).field(None, 3)."
        )
    field = Grid(d).field("C1", channels) if d else Point().field(None, channels)
    return field, [f"the input is taken to be {channels} scalar channels on {field.space}"]


def _could_move(subject: Subject, vectors: int | None) -> bool:
    """Whether the output may be vectors like those of the input."""
    if not isinstance(subject.in_field.space, Point):
        return False
    d = vector_size(subject.in_field, vectors)
    return d > 1 and tensor(subject.outputs[0]).shape[1] % d == 0


def _maps_move(subject: Subject, name: str) -> str:
    carry = Carrier(subject.in_field.group, subject.probe.chunks[0].signal)
    return "moves like the input" if carry.lives_on_domain(subject.outputs[0]) else name


def _algebra(subject: Subject, vectors: int | None, moved: bool, seed: int, tolerance: float) -> Algebra | None:
    x = subject.probe.chunks[0].signal
    generators = generators_of(subject.in_field, x, vectors, moved)
    if not generators or len(x) < 4:
        return None
    return find_algebra(lambda z: tensor(forward(subject.model, z)), x, generators, seed, tolerance)


def _groups(subject: Subject, vectors: int | None, seed: int) -> tuple[list[Found], list[str]]:
    signal, field = subject.probe.chunks[0].signal, subject.in_field
    carry = Carrier(field.group, signal)
    out_rep = carry.rep_of(subject.out_field)
    in_rep = None if isinstance(field.space, Grid) and field.rep.is_trivial else field.rep

    def carried(action: Action, output: Any) -> Any:
        return carry.move(action, output, out_rep if action.family == field.group.name else None)

    candidates = candidates_of(field, signal, vectors, seed)
    return scan_network(
        lambda x: forward(subject.model, x),
        signal,
        subject.outputs[0],
        carried,
        lambda action, x: action.move(x, in_rep),
        candidates,
        subject.limits,
        seed,
    )


def _of_data(
    data: Any, in_field: Field | None, vectors: int | None, samples: int, seed: int, dtype: torch.dtype
) -> Discovery:
    if hasattr(data, "train") and hasattr(data, "field"):
        in_field, data = in_field or data.field(), data.train
    field, notes = _field_or_guess(None, data, in_field)
    if field is None:
        raise FieldError("nothing says what the data live on. Fix: in_field=, such as Grid(2).field(None, 1).")
    chunk = probe_from(data, samples, seed, dtype, batch_size=samples).chunks[0]
    x = chunk.signal
    if isinstance(x, Signal):
        raise DomainError(
            "graphs have no order of nodes, so every distribution of graphs is invariant under permutations; there is "
            "nothing to test. Fix: give a network as well, discover(model, data)."
        )
    check_input(field, x)
    labels = chunk.targets
    if labels is not None and (labels.is_floating_point() or labels.ndim != 1):
        labels = None
    groups = scan_data(x, labels, _tests(field, x, vectors, seed), seed)
    notes.append(
        "not rejected: moved samples cannot be told from the others, which is no proof; the interval is what chance gives"
    )
    if labels is not None:
        notes.append("every label is compared with itself, so that moved samples must keep their label")
    return Discovery("data", repr(field.space), len(x), {}, tuple(groups), tuple(notes))


Change = Callable[[Tensor], Tensor]


def _tests(
    field: Field, x: Tensor, vectors: int | None, seed: int
) -> list[tuple[str, int | None, list[tuple[str, Change, Change]]]]:
    """Finite groups move one half of the samples. Continuous motions interpolate, so both halves move half of the way."""
    rep = None if isinstance(field.space, Grid) and field.rep.is_trivial else field.rep
    tests = []
    for candidate in candidates_of(field, x, vectors, seed):
        moves = [(a.label, lambda z, a=a: a.move(z, rep), lambda z: z) for a in candidate.actions]
        tests.append((candidate.name, candidate.order, moves))
    for flow in flows_of(field, x):
        if flow.family in ("rotation", "scale", "shear", "hyperbolic", "colour", field.group.name):
            times = flow.times[:: max(1, len(flow.times) // 4)]
            steps = [(f"{flow.name} {t:.2g}", _part(flow, t / 2, rep), _part(flow, -t / 2, rep)) for t in times]
            tests.append((flow.name, None, steps))
    return tests


def _part(flow: Flow, t: float, rep: Any) -> Change:
    return lambda z: flow.move(z, t, rep)
