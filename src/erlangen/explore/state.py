"""One network at work: its layers, and what every layer makes of a moved sample."""

import threading
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.carry import Carrier, UnknownAction, carrier_of, main_output, tensor_of
from erlangen.audit.measure import compare, relative
from erlangen.audit.record import Call, record
from erlangen.blueprint import Signal
from erlangen.errors import ErlangenError
from erlangen.explore.motion import Element, Motion
from erlangen.explore.network import Built

CHUNK = 8  # elements that go through the network together


@dataclass
class State:
    """A network on one sample.

    Args:
        built: the network.
        signal: the sample.
        carry: moves what is met inside.
        calls: every layer with its clean output.
        output: the clean output [1, classes].
        scales: largest value of every part of every layer's figure.
    """

    built: Built
    signal: Any
    carry: Carrier
    calls: list[Call]
    output: Tensor
    scales: dict[int, dict[str, float]] = field(default_factory=dict)

    @property
    def reps(self) -> tuple[Any, Any]:
        """Representations of the input and the output."""
        return self.carry.rep_of(self.built.in_field), self.carry.rep_of(self.built.out_field)


@dataclass(frozen=True)
class Moved:
    """What became of the sample at one position of the dial.

    Args:
        signal: g·x.
        output: f(g·x).
        value: h(g·x) at the layer that is looked at.
        error: ‖f(g·x) − g·f(x)‖ / ‖f(x)‖.
        layer_error: the same at the layer; None where no law is known there.
        floor: what interpolation alone costs, ‖g⁻¹·g·x − x‖ / ‖x‖; None for exact motions.
    """

    signal: Any
    output: Tensor
    value: Any
    error: float
    layer_error: float | None
    floor: float | None


def look(built: Built, signal: Any) -> State:
    """Run the network once and keep every layer."""
    carry = carrier_of(built.in_field, signal)
    with torch.no_grad():
        calls, output = record(built.model, signal, carry, carry.rep_of(built.in_field))
    return State(built, signal, carry, calls, tensor_of(main_output(output)))


def move_all(state: State, motion: Motion, indices: list[int], layer: int, lock: threading.Lock) -> list[Moved]:
    """The sample at several positions of the dial, a few at a time.

    Args:
        state: the network and the sample.
        motion: the dial.
        indices: positions.
        layer: index among the calls.
        lock: held while hooks are in the network.
    """
    rep = state.reps[0]
    found: list[Moved] = []
    with torch.no_grad():
        elements = [motion.at(i) for i in indices]
        signals = [e.action.move(state.signal, rep) for e in elements]
        step = 1 if isinstance(state.signal, Signal) else CHUNK
        for start in range(0, len(signals), step):
            part = signals[start : start + step]
            joint = part[0] if step == 1 else torch.cat(part)
            with lock:
                outputs, values = _run(state, joint, layer, len(part))
            for element, signal, output, value in zip(elements[start:], part, outputs, values, strict=False):
                found.append(_moved(state, element, layer, signal, output, value))
    return found


def _run(state: State, joint: Any, layer: int, count: int) -> tuple[list[Tensor], list[Any]]:
    """Outputs and the values of one layer for several inputs at once, each as a batch of one."""
    call = state.calls[layer]
    before = sum(c.module is call.module for c in state.calls[:layer])
    kept: list[Any] = []
    handle = call.module.register_forward_hook(lambda m, a, output: kept.append(output))
    try:
        output = tensor_of(main_output(state.built.model(joint)))
    finally:
        handle.remove()
    value = kept[before] if before < len(kept) else kept[-1]
    if isinstance(joint, Signal):
        return [output], [value]
    x = tensor_of(value)
    values = list(x.split(1)) if len(x) == count else list(x.chunk(count))
    return list(output.split(1)), values


def _moved(state: State, element: Element, layer: int, signal: Any, output: Tensor, value: Any) -> Moved:
    rep, out_rep = state.reps
    expected = state.output
    if element.inverse is not None and out_rep is not None and not out_rep.is_trivial:
        expected = state.carry.move(element.action, state.output, out_rep)
    floor = None
    if element.inverse is not None and not element.action.exact:
        floor = error(element.inverse.move(signal, rep), state.signal)
    return Moved(signal, output, value, error(output, expected), _layer_error(state, element, layer, value), floor)


def _layer_error(state: State, element: Element, layer: int, value: Any) -> float | None:
    call = state.calls[layer]
    if call.unknown is not None:
        return None
    if element.inverse is None:  # no symmetry: how far the feature moves
        x, y = tensor_of(value), tensor_of(call.output)
        return error(x, y) if x.shape == y.shape else None
    if not element.holds_on(call.output):
        return None
    try:
        return error(value, state.carry.move(element.action, call.output, call.out_rep))
    except (UnknownAction, ErlangenError):
        return None


def steady(state: State, element: Element, layer: int, value: Any) -> Any:
    """g⁻¹·h(g·x), the feature seen from the moved sample; None where there is no way back."""
    call = state.calls[layer]
    if call.unknown is not None or element.inverse is None:
        return None
    try:
        return state.carry.move(element.inverse, value, call.out_rep)
    except (UnknownAction, ErlangenError):
        return None


def error(f_gx: Any, g_fx: Any) -> float:
    """Relative error of one sample, as an audit has it."""
    a, b = tensor_of(f_gx), tensor_of(g_fx)
    if isinstance(f_gx, Signal):  # a graph is one sample
        a, b = a.reshape(1, -1), b.reshape(1, -1)
    return float(relative(*compare(a, b))[0])


def default_layer(state: State) -> int:
    """The last nonlinearity on a map of at least half the size of the input, else the first layer."""
    if isinstance(state.signal, Signal):
        full = len(state.signal.x)
        good = [i for i, c in enumerate(state.calls) if isinstance(c.output, Signal) and len(c.output.x) == full]
        return good[-1] if good else 0
    full = state.signal.shape[-1]
    good = []
    for i, call in enumerate(state.calls):
        y = call.output
        if isinstance(y, Tensor) and y.ndim == state.signal.ndim and 2 * y.shape[-1] >= full:
            good.append(i)
    lively = [i for i in good if "onlinearity" in state.calls[i].type]
    return (lively or good or [0])[-1]


def parameters(model: nn.Module) -> int:
    """How many there are."""
    return sum(p.numel() for p in model.parameters())
