"""Passes through a network that fit the actions on the channels of its plain layers, one layer after the other."""

from typing import Any

import torch
from torch import nn

from erlangen.audit.carry import Carrier
from erlangen.audit.fitted import Fit, Fits, fit_action, mixes, more_rows, rows_of
from erlangen.audit.localise import Led, errors, with_hooks
from erlangen.audit.progress import watch
from erlangen.audit.record import Call, record
from erlangen.blueprint import Action


class _Fitting(Led):
    """A led pass that fits the action on the channels of plain layers wherever that assumed does not hold."""

    def __init__(self, calls: list[Call], carry: Carrier, action: Action, fits: Fits, limit: float) -> None:
        super().__init__(calls, carry, action, True, fits)
        self.limit = limit
        self.known: list[Fit] = []

    def moved_inputs(self, i: int, call: Call, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """As assumed, or as the output of an earlier layer, whichever is nearer to what arrives."""
        moved, named = super().moved_inputs(i, call, args, kwargs)
        if not call.guessed or call.in_rep is not None or not args or not isinstance(args[0], torch.Tensor):
            return moved, named
        arrived, least = args[0], errors(args[0], moved[0])[0]
        for fit in self.known:
            if least > self.limit and arrived.ndim > 1 and len(fit.matrix) == arrived.shape[1]:
                error = errors(arrived, fit.apply(moved[0]))[0]
                if error < least:
                    least, self.fits.into[self.action.label, i] = error, fit
        fit = self.fits.into.get((self.action.label, i))
        if fit is not None and least <= self.limit and mixes(call):
            self.fits.followed.add(id(fit))
        return super().moved_inputs(i, call, args, kwargs)

    def moved_output(self, i: int, call: Call, output: Any) -> Any:
        """As assumed, as the input, or by a fit of its own."""
        assumed = super().moved_output(i, call, output)
        free = call.guessed and call.out_rep is None and i not in self.unknown
        if not free or not isinstance(output, torch.Tensor) or errors(output, assumed)[0] <= self.limit:
            return assumed
        tried = self.fits.into.get((self.action.label, i))
        if (
            tried is None
            or len(tried.matrix) != output.shape[1]
            or errors(output, tried.apply(assumed))[0] > self.limit
        ):
            tried = self._fit(i, call, output, assumed)
        if tried is None:
            return assumed
        self.fits.out[self.action.label, i] = tried
        self.known = [tried, *self.known][:6]
        return tried.apply(assumed)

    def _fit(self, i: int, call: Call, output: torch.Tensor, assumed: torch.Tensor) -> Fit | None:
        succeeded = any(at == i for _, at in self.fits.out)
        if (
            output.shape != assumed.shape
            or not output.is_floating_point()
            or (i in self.fits.refused and not succeeded)
        ):
            return None
        if self.carry.lives_on_domain(output):
            pair = rows_of(output, assumed)
        else:
            z = more_rows(call) if output.ndim == 2 else None
            if z is None:
                return None
            fit = self.fits.into.get((self.action.label, i))
            moved = self.carry.move(self.action, z, call.in_rep)
            clean, turned = (call.module.forward(v) for v in (z, moved if fit is None else fit.apply(moved)))
            pair = (turned, self.carry.move(self.action, clean, None))
        found = fit_action(*pair)
        if found and found[-1].stands:
            return found[-1]
        self.fits.refused.setdefault(i, found)
        return None


def fit_channels(
    model: nn.Module, signal: Any, carry: Carrier, reps: tuple[Any, Any], actions: list[Action], limit: float
) -> Fits:
    """Fit the action on the channels of plain layers, one pass for each element.

    Args:
        model: in evaluation mode.
        signal: a few samples; not a `Signal`, whose channels no symmetry of the domain moves unless declared.
        carry: of that signal.
        reps: representations of input and output.
        actions: exact elements of the declared group.
        limit: error up to which the assumed action holds, and nothing is fitted.
    """
    calls, _ = record(model, signal, carry, *reps)
    fits = Fits()
    for action in watch(actions, "fits"):
        with_hooks(model, calls, _Fitting(calls, carry, action, fits, limit), signal, reps[0])
    fits.settle()
    return fits
