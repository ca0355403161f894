"""`discover`: which symmetries a network or a data set has, without being told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.algebra import Algebra
from erlangen.audit.candidates import Candidate, candidates_of, moving_outputs
from erlangen.audit.carry import UnknownAction, carrier_of
from erlangen.audit.discovery import Discovery
from erlangen.audit.generators import generators_of, moving_rep, vector_size
from erlangen.audit.lie import STILL
from erlangen.audit.measure import elsewhere, norms, stride_of, tensor
from erlangen.audit.null_space import find_algebra
from erlangen.audit.probe import check_input, fields_of, forward, probe_from, quiet
from erlangen.audit.progress import showing
from erlangen.audit.scan import Found, scan_network
from erlangen.audit.search_data import discover_data, field_or_guess
from erlangen.audit.steady import steadiness
from erlangen.audit.subject import Subject, prepare
from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import ErlangenError, FieldError
from erlangen.grids import Grid
from erlangen.point import Point

TOLERANCE = 0.05
SAMPLES = 128  # of a network, if nobody says how many
FEWEST = 16  # samples below which little can be shown
A_GENERATOR = 4  # samples for every generator on vectors
NUMBERS = 1 << 22  # in all samples on a grid, if nobody says how many


def discover(
    subject: Any,
    data: Any = None,
    *,
    in_field: Field | None = None,
    out_field: Field | None = None,
    vectors: int | None = None,
    samples: int | None = None,
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
        subject: a module or another callable; or data (a data set, a split, a batch), whose distribution is looked at.
        data: the samples on which a network is tried.
        in_field: what the input lives on; by default the model's, else the data set's, else guessed and said.
        out_field: what the output should do; by default the model's, else: vectors stay, maps move with the input.
        vectors: dimension of the vectors that the channels of a point are made of, such as 3 for positions.
        samples: how many samples; by default 512 for data and 128 for networks, more for many generators and fewer
            where samples are large.
        seed: of everything random.
        tolerance: largest response of a continuous symmetry, relative to random changes of the input.
        dtype: floating type to measure in.
        progress: whether to draw a bar on the error output.

    Returns:
        What was found, with its significance; it prints as a table.

    Raises:
        DataError: there are no samples.
        FieldError: nothing says what the input lives on, or the network fails on it.

    Source: Moskalev et al. 2022, LieGG, arXiv 2210.04345; Székely & Rizzo 2013, Energy statistics.
    """
    if not 0 < tolerance < 1:
        raise FieldError(f"the tolerance is a share of a random response, between 0 and 1, got {tolerance}")
    with showing(progress):
        if data is not None:
            return _of_network(subject, data, in_field, out_field, vectors, samples, seed, tolerance, dtype)
        if isinstance(subject, nn.Module):
            raise FieldError("a network needs samples. Fix: discover(model, data); or discover(data) for data alone.")
        return discover_data(subject, in_field, vectors, samples, seed, dtype)


def _of_network(
    model: Any,
    data: Any,
    in_field: Field | None,
    out_field: Field | None,
    vectors: int | None,
    samples: int | None,
    seed: int,
    tolerance: float,
    dtype: torch.dtype,
) -> Discovery:
    guess, notes = field_or_guess(model, data, in_field)
    in_field, out_field = fields_of(model, data, guess, out_field)
    samples = _enough(data, in_field, vectors, seed, dtype) if samples is None else samples
    probe = probe_from(data, samples, seed, dtype, batch_size=samples)
    signal = probe.chunks[0].signal
    check_input(in_field, signal)
    with quiet(model, dtype) as still:
        subject = prepare(still, probe, in_field, out_field, data, [STILL], 1, seed, dtype)
        output = tensor(subject.outputs[0])
        if not bool(torch.isfinite(output).all()):
            raise FieldError(f"{_name(model)} gives outputs that are not finite, so nothing can be compared")
        steady = steadiness(subject.model, signal, probe.half, subject.outputs[0]).words(subject.limits.exact)
        algebras, unknown = _algebras(subject, vectors, seed, tolerance)
        groups, untried = _groups(subject, vectors, seed)
    notes += [steady] if steady else []
    notes += _remarks(output, algebras)
    assumed = [] if out_field is not None or isinstance(in_field.space, Point) else list(subject.assumed)
    notes = [*notes, *assumed, *unknown, *untried]
    return Discovery(_name(model), repr(in_field.space), len(output), seed, algebras, tuple(groups), tuple(notes))


def _enough(data: Any, field: Field, vectors: int | None, seed: int, dtype: torch.dtype) -> int:
    """How many samples: more for many generators, fewer where they are large, since every generator moves them all."""
    if isinstance(field.space, Point):
        return max(SAMPLES, A_GENERATOR * vector_size(field, vectors) ** 2)
    if not isinstance(field.space, Grid):
        return SAMPLES
    one = tensor(probe_from(data, 1, seed, dtype).chunks[0].signal)
    return min(SAMPLES, max(FEWEST, NUMBERS // max(1, one[0].numel())))


def _name(model: Any) -> str:
    return type(model).__name__ if isinstance(model, nn.Module) else getattr(model, "__name__", type(model).__name__)


def _remarks(output: Tensor, algebras: dict[str, Algebra]) -> list[str]:
    """What should make a reader careful, in words."""
    found = []
    n = len(output)
    if n < FEWEST:
        found.append(f"{n} outputs are few: little can be shown. Give {FEWEST} samples or more")
    spread, size = norms(output - output.mean(0)).max(), norms(output).max()
    if n > 1 and float(spread) <= 1e3 * torch.finfo(output.dtype).eps * float(size):
        found.append("the output is the same for every sample: it keeps every symmetry, which means nothing")
    for algebra in algebras.values():
        numbers = (n // 2) * (output.numel() // max(1, n))
        if numbers < 2 * len(algebra.generators):
            found.append(
                f"{n // 2} samples with {output.numel() // n} outputs hardly tell {len(algebra.generators)} generators "
                f"apart, so that true ones may be missed. Fix: more samples"
            )
            break
    if any(a.closed is not None and a.closed > 0.1 for a in algebras.values()):
        found.append("commutators leave the symmetries, so that some hold to first order or on these samples only")
    return found


def _algebras(
    subject: Subject, vectors: int | None, seed: int, tolerance: float
) -> tuple[dict[str, Algebra], list[str]]:
    """One null space for every hypothesis about the output; and what could not be followed."""
    x, field, output = subject.probe.chunks[0].signal, subject.in_field, tensor(subject.outputs[0])
    carry = carrier_of(field, x)
    if isinstance(x, Signal):
        return {}, []
    hypotheses = {"moves like the input" if carry.lives_on_domain(subject.outputs[0]) else "invariant": False}
    if isinstance(field.space, Point) and output.ndim == 2:
        d = vector_size(field, vectors)
        if d > 1 and output.shape[1] % d == 0:
            hypotheses["moves like the input"] = True
    if len(x) < 4 or len(output) != len(x):
        return {}, ["no Lie algebra: it takes four samples at least, with an output for each"]
    found: dict[str, Algebra] = {}
    out_rep = carry.rep_of(subject.out_field)
    try:
        for name, moved in hypotheses.items():
            if generators := generators_of(field, x, vectors, moved, out_rep):
                f = _tensors(subject.model)
                found[name] = find_algebra(f, x, generators, seed, tolerance, len(hypotheses))
    except (UnknownAction, ErlangenError) as error:
        return found, [f"no Lie algebra: {str(error).splitlines()[0]}"]
    return found, []


def _tensors(model: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda z: tensor(forward(model, z))


def _groups(subject: Subject, vectors: int | None, seed: int) -> tuple[list[Found], list[str]]:
    """Every candidate on the network, p-values times the number of candidates."""
    signal, field, output = subject.probe.chunks[0].signal, subject.in_field, subject.outputs[0]
    carry = carrier_of(field, signal)
    in_rep, out_rep = moving_rep(field), carry.rep_of(subject.out_field)
    declared = out_rep is not None and not out_rep.is_trivial
    there = elsewhere(field, subject.out_field, carry, output)

    def carried(action: Action) -> Any:
        if there:
            rep = out_rep or subject.out_field.size * field.group.trivial
            return carry.move_to(subject.out_field.space, action, output, rep)
        return carry.move(action, output, out_rep if declared and action.family == field.group.name else None)

    def moved(action: Action) -> Any:
        x = signal
        for _ in range(stride_of(action, signal, output)):
            x = action.move(x, in_rep)
        return x

    candidates = candidates_of(field, signal, vectors, seed, declared and not isinstance(field.space, Point))
    if isinstance(field.space, Point) and tensor(output).ndim == 2:
        candidates = _with_moving(candidates, field, vectors, tensor(output).shape[1])
    found, notes = scan_network(
        lambda x: forward(subject.model, x), output, moved, carried, candidates, subject.limits, seed
    )
    if declared:
        notes.append(f"the output carries {out_rep}, about which only {field.group} says anything")
    number = len(found)
    return [replace(g, p_value=None if g.p_value is None else min(1.0, number * g.p_value)) for g in found], notes


def _with_moving(candidates: list[Candidate], field: Field, vectors: int | None, channels: int) -> list[Candidate]:
    """Candidates on vectors, each followed by the one where the output moves along."""
    found = []
    for candidate in candidates:
        moving = moving_outputs(candidate, field, vectors, channels)
        found += [candidate] if moving is None else [candidate, moving]
    return found
