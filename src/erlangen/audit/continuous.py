"""The continuous part of an audit: derivative, curve and contributions along every one-parameter group."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from erlangen.audit.carry import Carrier, UnknownAction
from erlangen.audit.contribution import Contribution, affordable, contributions_of
from erlangen.audit.curves import Curve, curves_of
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.lie import Derivative, derivatives_of
from erlangen.audit.shifts import smooth_reason
from erlangen.audit.subject import Subject
from erlangen.errors import ErlangenError

DERIVED = 8  # samples for derivatives and curves
DRAWN = ("translation", "rotation", "scale", "colour")  # families whose whole range is measured on grids
SEEN = 0.05  # relative change of the output per unit of motion from which a layer's part is explained
LAYERED = ("translation", "rotation", "scale")  # families whose derivative is divided among the layers


@dataclass(frozen=True)
class Continuous:
    """What an audit found along the one-parameter groups.

    Args:
        derivatives: of the whole network, one a generator.
        curves: of the error over the range.
        contributions: of the layers, generator by generator.
        notes: what could not be followed, and why.
    """

    derivatives: tuple[Derivative, ...] = ()
    curves: tuple[Curve, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    notes: tuple[str, ...] = ()


def examine_continuous(subject: Subject, seed: int, layers: bool, samples: int) -> Continuous:
    """Follow every one-parameter group that moves the input; nothing where the symmetries are discrete.

    Args:
        subject: the network, quiet.
        seed: of the bootstrap and of random directions.
        layers: whether to divide the derivatives among the layers.
        samples: for the layers, whose activations are kept.
    """
    signal = subject.probe.chunks[0].signal
    if not isinstance(signal, Tensor) or any(not isinstance(o, Tensor) for o in subject.outputs):
        return Continuous()  # permutations of nodes are discrete
    flows = flows_of(subject.in_field, signal)
    if not flows:
        return Continuous()
    derivatives, unknown = derivatives_of(subject, flows, "differences", seed, DERIVED)
    drawn = [f for f in flows if f.name not in unknown and f.family in (*DRAWN, subject.in_field.group.name)]
    curves, undrawn = curves_of(subject, drawn, seed, DERIVED)
    notes = [f"no derivative along {name}: {why}" for name, why in (unknown | undrawn).items()]
    parts: tuple[Contribution, ...] = ()
    followed = [f for f in drawn if f.family in (*LAYERED, subject.in_field.group.name) and f.name not in undrawn]
    if layers and followed:
        parts, why = _among_layers(subject, signal, samples, followed, seed)
        notes += [why] if why else list(dict.fromkeys(f"{c.layer}: {c.assumed}" for c in parts if c.assumed))[:1]
    return Continuous(derivatives, curves, parts, (*notes[:3], *_greatest(parts)))


def _greatest(parts: tuple[Contribution, ...]) -> list[str]:
    """Which layer adds most to a derivative, and why: of the motion that loses most."""
    most = max(parts, key=lambda c: c.contribution, default=None)
    if most is None or most.contribution <= SEEN:
        return []
    cause, remedy = smooth_reason(most.kind, most.generator)
    return [f"{most.generator}: {most.layer} ({most.kind}) adds most, {most.contribution:.2g}. {cause}. Fix: {remedy}"]


def _among_layers(
    subject: Subject, x: Any, samples: int, flows: list[Flow], seed: int
) -> tuple[tuple[Contribution, ...], str | None]:
    x = x[: affordable(subject.model, x, Carrier(subject.in_field.group, x[:1]), samples)]
    carry = Carrier(subject.in_field.group, x)
    reps = (carry.rep_of(subject.in_field), carry.rep_of(subject.out_field))
    for method in ("backward", "differences"):
        try:
            return contributions_of(subject.model, x, carry, reps, flows, method, seed), None
        except (UnknownAction, ErlangenError) as error:
            return (), f"the derivative could not be divided among the layers: {error}"
        except (RuntimeError, NotImplementedError):  # not differentiable: two passes a layer do
            continue
    return (), "the derivative could not be divided among the layers"
