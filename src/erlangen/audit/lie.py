"""The Lie derivative of a network: how fast f(exp(tA)·x) leaves exp(tA)·f(x) as t leaves zero.

    L f(x) = d/dt exp(−tA)·f(exp(tA)·x) at t = 0 = df(x)·(A·x) − A·f(x)

It is zero for all x if and only if f commutes with the whole one-parameter group. Since A·x and A·f(x) are known, all
that has to be asked of the network is one directional derivative.

Source: Gruver, Finzi, Goldblum and Wilson 2023, The Lie derivative for measuring learned equivariance, arXiv
2210.02984.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from erlangen.audit.carry import Carrier, UnknownAction
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.measure import interval, norms, relative, tensor
from erlangen.audit.probe import check_input, fields_of, forward, probe_from, quiet
from erlangen.audit.progress import watch
from erlangen.audit.push import METHODS, push
from erlangen.audit.subject import Subject, prepare
from erlangen.blueprint import Action, Field
from erlangen.errors import DomainError, FieldError, UnknownName

STILL = Action("identity", "identity", True, lambda signal, rep: signal)


@dataclass(frozen=True)
class Derivative:
    """The Lie derivative of a network along one generator, over the samples.

    Args:
        generator: name of A.
        family: what it belongs to.
        unit: of t, so that the numbers are per pixel, per radian, …
        error: mean of ‖L f(x)‖ / ‖f(x)‖.
        interval: 95 % confidence interval of that mean; None for a single sample.
        worst: largest ‖L f(x)‖ / ‖f(x)‖.
        worst_sample: the sample that had it.
        square: mean of (L f(x))² over samples and outputs, the local equivariance error of the literature.
        input: mean of ‖A·x‖ / ‖x‖, how fast the input itself moves.
    """

    generator: str
    family: str
    unit: str
    error: float
    interval: tuple[float, float] | None
    worst: float
    worst_sample: int
    square: float
    input: float


def lie_derivatives(
    model: nn.Module | Callable[..., Any],
    data: Any,
    *,
    in_field: Field | None = None,
    out_field: Field | None = None,
    generators: tuple[str, ...] | None = None,
    method: str = "differences",
    sampling: str = "spline",
    samples: int = 64,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Derivative, ...]:
    """The Lie derivatives of any network along every generator of the continuous symmetries of its input.

        L f(x) = df(x)·(A·x) − A·f(x)

    Args:
        model: any module or function that takes a batch.
        data: a data set (its test split), a split or a batch.
        in_field: what the input lives on; by default the model's, else the data set's.
        out_field: what the output should do; by default the model's, else: vectors stay, maps move with the input.
        generators: names, such as ("shift-x", "rotation", "hue"); all if None.
        method: how the network is differentiated, see `erlangen.audit.push.push`; "differences" costs two forward
            passes a generator and asks no derivative of any layer.
        sampling: "spline", "bicubic" or "fourier", how grids are read between the pixels.
        samples: how many samples of the data.
        seed: of their choice, and of the bootstrap.
        dtype: floating type to measure in.

    Returns:
        One result a generator; none where the symmetries are discrete.

    Raises:
        UnknownName: no such generator, method or sampling.
        FieldError: the model fails on the data, or nothing is known about its output under a generator that was named.

    Source: Gruver et al. 2023, arXiv 2210.02984.
    """
    in_field, out_field = fields_of(model, data, in_field, out_field)
    probe = probe_from(data, samples, seed, dtype)
    signal = probe.chunks[0].signal
    check_input(in_field, signal)
    flows = flows_of(in_field, signal, generators, sampling)
    with quiet(model, dtype) as still:
        subject = prepare(still, probe, in_field, out_field, data, [STILL], 1, seed, dtype)
        return followed(*derivatives_of(subject, flows, method, seed), generators)


def followed(found: tuple[Any, ...], unknown: dict[str, str], names: "tuple[str, ...] | None") -> tuple[Any, ...]:
    """What was found along the generators; those that could not be followed are left out unless they were named.

    Args:
        found: one result a generator.
        unknown: the other generators, with the reason.
        names: of the generators that were asked for; None for all.

    Raises:
        FieldError: one that was asked for could not be followed, or none could.
    """
    for name, why in unknown.items():
        if names is not None or not found:
            raise FieldError(f"the network cannot be followed along {name}: {why}")
    return found


def derivatives_of(
    subject: Subject, flows: list[Flow], method: str, seed: int, most: int | None = None
) -> tuple[tuple[Derivative, ...], dict[str, str]]:
    """The Lie derivatives of a network under audit, and the generators that could not be followed, with the reason.

    Args:
        subject: the network, quiet, with its samples and clean outputs.
        flows: the one-parameter groups.
        method: of `push`.
        seed: of the bootstrap.
        most: at most so many samples.
    """
    if method not in METHODS:
        raise UnknownName("way to differentiate", method, METHODS)
    found, unknown = [], {}
    for flow in watch(flows, "Lie derivatives"):
        try:
            found.append(_along(subject, flow, method, seed, most))
        except (UnknownAction, FieldError, DomainError, NotImplementedError) as error:
            unknown[flow.name] = str(error).splitlines()[0]
    return tuple(found), unknown


def lie_derivative(
    model: nn.Module,
    x: Tensor,
    flow: Flow,
    reps: tuple[Any, Any],
    method: str = "differences",
    output: Any = None,
    direction: Tensor | None = None,
) -> Tensor:
    """L f(x) = df(x)·(A·x) − A·f(x), sample by sample.

    Args:
        model: in evaluation mode.
        x: [B, …] inputs.
        flow: exp(tA).
        reps: representations of the channels of input and output; None: they stay.
        method: of `push`.
        output: f(x), if it is known already.
        direction: A·x, if it is known already.

    Returns:
        [B, …], in the shape of the output.
    """
    output = forward(model, x) if output is None else output
    expected = flow.carry_tangent(x, tensor(output), reps[1])
    direction = flow.tangent(x, reps[0]) if direction is None else direction
    return push(lambda z: tensor(forward(model, z, flow.name)), x, direction, method) - expected


def _along(subject: Subject, flow: Flow, method: str, seed: int, most: int | None) -> Derivative:
    changes, sizes, inputs, squares, left = [], [], [], [], most
    for chunk, output in zip(subject.probe.chunks, subject.outputs, strict=True):
        x, y = chunk.signal[:left], tensor(output)[:left]
        carry = Carrier(subject.in_field.group, x)
        reps = (carry.rep_of(subject.in_field), carry.rep_of(subject.out_field))
        direction = flow.tangent(x, reps[0])
        found = lie_derivative(subject.model, x, flow, reps, method, y, direction)
        changes.append(norms(found))
        sizes.append(norms(y))
        squares.append(found.double().square().reshape(len(found), -1).mean(1).cpu())
        inputs.append(norms(direction) / norms(x).clamp_min(torch.finfo(x.dtype).tiny))
        if left is not None and (left := left - len(x)) <= 0:
            break
    size = torch.cat(sizes)
    errors = relative(torch.cat(changes), size, size).numpy()
    worst = int(np.argmax(errors))
    return Derivative(
        generator=flow.name,
        family=flow.family,
        unit=flow.unit,
        error=float(errors.mean()),
        interval=interval(errors, seed),
        worst=float(errors[worst]),
        worst_sample=worst,
        square=float(torch.cat(squares).mean()),
        input=float(torch.cat(inputs).mean()),
    )
