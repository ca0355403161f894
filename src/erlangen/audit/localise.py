"""Where a symmetry is lost: the intrinsic error of every layer, and of the code between the layers.

In the *led* pass every layer is fed g·(its clean input), whatever came before, so that its error is its own:

    intrinsic(i) = ‖f_i(g·x_i) − g·f_i(x_i)‖ / ‖f_i(x_i)‖

and what arrives at a layer, before it is replaced, tells the error of the code since the layer before (a flatten or a
position embedding written in `forward`, say). A second, free pass gives the error accumulated up to each layer.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from erlangen.audit.carry import Carrier, UnknownAction, main_output, tensor_of
from erlangen.audit.fitted import Fits
from erlangen.audit.measure import compare, relative, stride_of
from erlangen.audit.probe import forward
from erlangen.audit.progress import watch
from erlangen.audit.record import Call, record
from erlangen.blueprint import Action
from erlangen.errors import ErlangenError


@dataclass
class Row:
    """One layer, or the code before one, in the order of execution.

    Args:
        path: where it lies in the model.
        kind: class of the layer, or "code" for what happens between layers.
        before: the layer call before it (for code), and the call itself (for a layer).
        after: the layer call after it (for code).
        intrinsic: worst relative error of its own, over actions and samples; None if no action is known there.
        mean: mean of the same.
        element: the action that was worst.
        accumulated: worst relative error of the free pass at its output; None if unknown.
        shift: worst intrinsic error under shifts by whole pixels; None if not measured.
        unknown: why it could not be measured.
        company: change of its output for a sample when others leave the batch; None if not looked at.
        fit: what was fitted on the channels of its output, in words.
        fed: what was fitted on the channels of its input.
    """

    path: str
    kind: str
    before: Call | None
    after: Call | None = None
    intrinsic: float | None = None
    mean: float | None = None
    element: str = ""
    accumulated: float | None = None
    shift: float | None = None
    unknown: str | None = None
    company: float | None = None
    fit: str = ""
    fed: str = ""


class Led:
    """Hooks of one pass: compare with the clean pass, carried by the action; when leading, put its values in."""

    def __init__(self, calls: list[Call], carry: Carrier, action: Action, lead: bool, fits: Fits | None = None) -> None:
        self.calls, self.carry, self.action, self.lead = calls, carry, action, lead
        self.fits = fits or Fits()
        self.position = 0
        self.code: dict[int, tuple[float, float]] = {}
        self.layer: dict[int, tuple[float, float]] = {}
        self.unknown: dict[int, str] = {}

    def before(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """What arrives tells the error of the code before; what goes in is the clean input, moved."""
        i = self.position
        if i >= len(self.calls) or self.calls[i].module is not module:
            return None
        call = self.calls[i]
        if call.unknown is not None:
            self.unknown[i] = call.unknown
            return None
        try:
            moved, named = self.moved_inputs(i, call, args, kwargs)
            if args or kwargs:
                self.code[i] = errors(tensor_of((*args, *kwargs.values())), tensor_of((*moved, *named.values())))
        except (UnknownAction, ErlangenError) as error:
            self.unknown[i] = str(error)
            return None
        return (moved, named) if self.lead else None

    def after(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        """What comes out tells the error of the layer; what goes on is the clean output, moved."""
        i = self.position
        if i >= len(self.calls) or self.calls[i].module is not module:
            return None
        self.position += 1
        call = self.calls[i]
        if call.unknown is not None:
            return None
        try:
            expected = self.moved_output(i, call, output)
            found = errors(tensor_of(output), tensor_of(expected))
        except (UnknownAction, ErlangenError) as error:
            self.unknown.setdefault(i, str(error))
            return None
        if i not in self.unknown:
            self.layer[i] = found
        return expected if self.lead and i not in self.unknown else None

    def moved_inputs(self, i: int, call: Call, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """The clean inputs of a call, moved."""
        fit = self.fits.into.get((self.action.label, i))
        moved = self.carry.move(self.action, call.args, call.in_rep)
        if fit is not None:
            moved = (fit.apply(moved[0]), *moved[1:])
        return moved, self.carry.move(self.action, call.kwargs, call.in_rep)

    def moved_output(self, i: int, call: Call, output: Any) -> Any:
        """The clean output of a call, moved."""
        fit = self.fits.out.get((self.action.label, i))
        moved = self.carry.move(self.action, call.output, call.out_rep)
        return moved if fit is None else fit.apply(moved)


def errors(f_gx: torch.Tensor, g_fx: torch.Tensor) -> tuple[float, float]:
    """(worst, mean) relative error over the samples."""
    if not (f_gx.is_floating_point() and g_fx.is_floating_point()):
        different = float(f_gx.shape != g_fx.shape or bool((f_gx != g_fx).any()))
        return different, different
    error = relative(*compare(f_gx, g_fx))
    return float(error.max()), float(error.mean())


def run_led(
    model: nn.Module,
    calls: list[Call],
    carry: Carrier,
    action: Action,
    signal: Any,
    rep: Any,
    lead: bool,
    fits: Fits | None = None,
) -> tuple[Led, Any]:
    """One pass on the moved input, with the hooks of `Led`; returns them and the output."""
    led = Led(calls, carry, action, lead, fits)
    return led, with_hooks(model, calls, led, signal, rep)


def with_hooks(model: nn.Module, calls: list[Call], led: Led, signal: Any, rep: Any) -> Any:
    """The output of one pass on the moved input, with these hooks."""
    handles = []
    for module in {id(c.module): c.module for c in calls}.values():
        handles.append(module.register_forward_pre_hook(led.before, with_kwargs=True))
        handles.append(module.register_forward_hook(led.after, with_kwargs=True))
    try:
        return forward(model, led.action.move(signal, rep), led.action.label)
    finally:
        for handle in handles:
            handle.remove()


def localise(
    model: nn.Module,
    signal: Any,
    carry: Carrier,
    in_rep: Any,
    out_rep: Any,
    actions: list[Action],
    shifts: list[Action],
    fits: Fits | None = None,
) -> list[Row]:
    """Measure every layer and the code between.

    Args:
        model: in evaluation mode.
        signal: a few samples.
        carry: of that signal.
        in_rep: representation of the input channels.
        out_rep: representation of the output channels.
        actions: exact elements of the declared group.
        shifts: exact shifts, under which layers are measured one by one.
        fits: actions on channels that were fitted.

    Returns:
        A row for every layer call, and one for code between layers wherever that code is not equivariant by itself.
    """
    calls, output = record(model, signal, carry, in_rep, out_rep)
    fits = fits or Fits()
    layers = [
        Row(c.path, c.type, c, unknown=c.unknown, fit=fits.words(i), fed=fits.words_in(i)) for i, c in enumerate(calls)
    ]
    code = [Row(*_between(calls, i), "code", calls[i - 1] if i else None, c) for i, c in enumerate([*calls, None])]
    for action in watch(actions, "layers"):
        led, result = run_led(model, calls, carry, action, signal, in_rep, lead=True, fits=fits)
        for i, row in enumerate(layers):
            row.unknown = row.unknown or led.unknown.get(i)
            _take(row, led.layer.get(i), action.label)
            _take(code[i], led.code.get(i), action.label)
        _take(code[-1], _last(carry, action, main_output(result), output, out_rep), action.label)
        free, _ = run_led(model, calls, carry, action, signal, in_rep, lead=False, fits=fits)
        for i, row in enumerate(layers):
            found = free.layer.get(i)
            row.accumulated = max(row.accumulated or 0.0, found[0]) if found else row.accumulated
    for row, call in zip(layers, calls, strict=True):
        row.shift = shift_error(call, carry, shifts)
    rows = []
    for i, between in enumerate(code):
        if between.intrinsic is not None and between.intrinsic > 0:
            rows.append(between)
        if i < len(layers):
            rows.append(layers[i])
    return rows


def shift_error(call: Call, carry: Carrier, shifts: list[Action]) -> float | None:
    """Worst intrinsic error of one layer under shifts; a layer of stride s is fed s shifts for one of its output."""
    x = call.main_input
    if x is None or call.unknown is not None or not shifts or not carry.lives_on_domain(x):
        return None
    worst = 0.0
    for action in shifts:
        try:
            steps = stride_of(action, x, tensor_of(call.output))
            args, kwargs = call.args, call.kwargs
            for _ in range(steps):
                args, kwargs = carry.move(action, args, None), carry.move(action, kwargs, None)
            expected = carry.move(action, call.output, None)
            worst = max(worst, errors(tensor_of(call.module(*args, **kwargs)), tensor_of(expected))[0])
        except (UnknownAction, ErlangenError):
            return None
    return worst


def company_errors(rows: list[Row], samples: int) -> None:
    """How much each layer's output for the first half of the samples changes when the second half is left out."""
    half = samples // 2
    for row in rows:
        call = row.before
        if row.kind == "code" or call is None or half == 0:
            continue
        x = call.main_input
        if x is None or len(call.args) != 1 or call.kwargs or x is not call.args[0] or len(x) != samples:
            continue
        y = tensor_of(call.output)
        if len(y) == samples:
            row.company = errors(tensor_of(call.module(x[:half])), y[:half])[0]


def _take(row: Row, found: tuple[float, float] | None, label: str) -> None:
    if found is None:
        return
    worst, mean = found
    if row.intrinsic is None or worst > row.intrinsic:
        row.intrinsic, row.element = worst, label
    row.mean = max(row.mean or 0.0, mean)


def _last(carry: Carrier, action: Action, result: Any, clean: Any, rep: Any) -> tuple[float, float] | None:
    try:
        return errors(tensor_of(result), tensor_of(carry.move(action, clean, rep)))
    except (UnknownAction, ErlangenError):
        return None


def _between(calls: list[Call], i: int) -> tuple[str]:
    """Where the code before call i lies, in words."""
    start = f"after {calls[i - 1].path}" if i else "at the start"
    end = f"before {calls[i].path}" if i < len(calls) else "at the end"
    return (f"{start}, {end}" if i and i < len(calls) else start if i else end,)
