"""Anything that can be called, as a network of one signal: other signatures, exported and compiled modules, functions.

Audits call `model(signal)` and compare one tensor. What is called otherwise, or gives labels, is wrapped here, and the
wrapping is put in words.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.audit.parts import UnknownAction, main_part, part_named, parts_of
from erlangen.audit.signature import Route, route_of
from erlangen.blueprint import Signal
from erlangen.errors import FieldError

MOST_LABELS = 4096
EXPORTED = "an exported program is a graph of operators, without layers"


class Adapted(nn.Module):
    """A network as audits call it.

    Args:
        call: what is called with the arguments that `route` makes.
        inner: the module behind it, if any; it is hooked, put in evaluation mode and counted.
        route: from a signal to the arguments.
        name: what it is called in the report.
        opaque: why its layers cannot be seen; None if they can.
        words: what was guessed, in words.
        twin: the compiled form, which is compared with `inner`.
        batch: the only number of samples that it takes; None if it takes any.
        part: name or number of the part of the output that is compared; None takes the first tensor.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        inner: nn.Module | None,
        route: Route,
        name: str,
        opaque: str | None = None,
        words: tuple[str, ...] = (),
        twin: Any = None,
        batch: int | None = None,
        part: "str | int | None" = None,
    ) -> None:
        super().__init__()
        self.inner = inner
        self.method = getattr(call, "__name__", "") if inner is not None and call is not inner else ""
        self._function = None if inner is not None else call
        self.route, self.name, self.opaque, self.words = route, name, opaque, words
        self._twin = (twin,)  # hidden from torch, which would count it twice
        self.batch, self.part = batch, part
        self.labels: int | None = None
        self.many, self.exactly = False, False
        self.in_numpy = False
        self.seen: str | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Adapted":
        import copy

        made = Adapted.__new__(Adapted)
        memo[id(self)] = made
        kept = {k: v for k, v in self.__dict__.items() if k in ("_function", "_twin", "route")}
        made.__dict__ = {k: v if k in kept else copy.deepcopy(v, memo) for k, v in self.__dict__.items()}
        return made

    @property
    def twin(self) -> Any:
        """The compiled form; None if there is none."""
        return self._twin[0]

    def train(self, mode: bool = True) -> "Adapted":
        """As of every module; exported programs have one mode only."""
        self.training = mode
        if self.inner is not None:
            with suppress(NotImplementedError):
                self.inner.train(mode)
        return self

    def forward(self, signal: Any) -> Any:
        """The tensor that an audit compares."""
        if self.batch is None or isinstance(signal, Signal):
            return self._compared(self._called(signal))
        n = len(signal)
        rows = torch.arange(-(-n // self.batch) * self.batch).clamp(max=n - 1)
        found = [self._compared(self._called(signal[part])) for part in rows.split(self.batch)]
        return torch.cat(found)[:n]

    def _called(self, signal: Any) -> Any:
        args, kwargs = self.route(signal)
        if self.inner is not None:
            return getattr(self.inner, self.method)(*args, **kwargs) if self.method else self.inner(*args, **kwargs)
        if self._function is None:
            raise FieldError("nothing to call")
        if self.in_numpy:
            return self._function(*map(_numpy, args), **{k: _numpy(v) for k, v in kwargs.items()})
        try:
            return self._function(*args, **kwargs)
        except Exception as first:  # a function of arrays
            try:
                value = self._function(*map(_numpy, args), **{k: _numpy(v) for k, v in kwargs.items()})
            except Exception:
                raise first from None
            self.in_numpy = True
            return value

    def _compared(self, value: Any) -> Any:
        if isinstance(value, (np.ndarray, np.generic)):
            value = torch.from_numpy(np.ascontiguousarray(value))
        if self.part is not None:
            value = part_named(value, self.part)
        where, found = main_part(value)
        if where and len(parts_of(value)) > 1:
            others = [name for name, part in parts_of(value) if part is not None and name != where.split(".")[0]]
            self.seen = f"of the output only {where!r} is compared, not {', '.join(others)}" if others else None
        return as_labels(as_real(found), self.labels, self.many, self.exactly)


def _numpy(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value


def as_real(value: Any) -> Any:
    """Complex channels as twice as many real ones."""
    if isinstance(value, Tensor) and value.is_complex() and value.ndim > 1:
        return torch.cat([value.real, value.imag], dim=1)
    return value


def as_labels(value: Any, classes: int | None, many: bool = False, exactly: bool = False) -> Any:
    """Labels [B, *points] as their indicators [B, classes + 1, *points], the last one for all other whole numbers.

    Args:
        value: an output; one channel of labels, [B, 1, *points], counts as none.
        classes: how many; None leaves the output as it is.
        many: whether a sample has several labels, whose indicators become one vector [B, N].
        exactly: whether the channels are those of the labels alone, [B, classes, *points]; other numbers have none.
    """
    x = value.x if isinstance(value, Signal) else value
    if classes is None or not isinstance(x, Tensor) or x.is_floating_point():
        return value
    x = x.long()
    x = x[:, 0] if x.ndim > 1 and x.shape[1] == 1 else x
    x = torch.where((x >= 0) & (x < classes), x, classes)
    shown = functional.one_hot(x, classes + 1).movedim(-1, min(1, x.ndim)).to(torch.get_default_dtype())
    shown = shown[:, :classes] if exactly else shown
    shown = shown.flatten(1) if many else shown
    return Signal(shown, value.on) if isinstance(value, Signal) else shown


def adapted(model: Any, part: "str | int | None" = None, route: Route | None = None) -> nn.Module:
    """The model as audits call it: itself where it takes one signal, else wrapped.

    Args:
        model: an `nn.Module`, an exported program, or any callable.
        part: name or number of the part of the output that is compared.
        route: from a signal to the arguments, where the caller knows better.

    Raises:
        FieldError: it cannot be called.
    """
    if isinstance(model, Adapted):
        return model
    name, words, twin = type(model).__name__, [], None
    if isinstance(model, torch.export.ExportedProgram):
        inner = call = model.module()
        opaque = EXPORTED
    elif isinstance(model, nn.Module):
        inner = call = original(model)
        opaque = _closed(inner)
        if inner is not model:
            twin, name = model, type(inner).__name__
    elif callable(model):
        model, route = _unbound(model, route)
        owner = getattr(model, "__self__", None)
        inner, call = (owner if isinstance(owner, nn.Module) else None), model
        name = getattr(model, "__name__", name)
        opaque = None if inner is not None else "a plain function has no layers to look into"
        if inner is None:
            words.append("a plain function: evaluation mode and precision are its own business")
    else:
        raise FieldError(
            f"a {type(model).__name__} cannot be audited: it is no nn.Module, no exported program and cannot be "
            f"called. Fix: give the network itself, or a function from a batch to its output."
        )
    batch = _only_batch(inner.graph) if _is_exported(inner) else None  # type: ignore[union-attr]
    if batch is not None:
        words.append(f"it takes exactly {batch} samples, so they are given in such parts, the last one filled up")
    if route is None:
        route, guess = route_of(
            inner.forward if call is inner and inner is not None else call, isinstance(inner, nn.Module)
        )
        words += [guess] if guess else []
    plain = call is model and opaque is None and part is None and route.direct
    if plain and isinstance(model, nn.Module):
        return model
    return Adapted(call, inner, route, name, opaque, tuple(words), twin, batch, part)


def _unbound(model: Callable[..., Any], route: Route | None) -> tuple[Callable[..., Any], Route | None]:
    """The method or module in a `functools.partial` that only adds named arguments, and how to call it."""
    inside: Any = model.func if isinstance(model, partial) and not model.args else None
    if not isinstance(getattr(inside, "__self__", inside), nn.Module):
        return model, route
    base, named = route or Route(), dict(model.keywords)  # type: ignore[attr-defined]

    def custom(signal: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, kwargs = base(signal)
        return args, {**named, **kwargs}

    return (inside.forward if isinstance(inside, nn.Module) else inside), Route(custom=custom)


def original(model: nn.Module) -> nn.Module:
    """The module that `torch.compile` was given; any other module itself."""
    return model._orig_mod if type(model).__name__ == "OptimizedModule" else model  # type: ignore[return-value]


def opened(model: nn.Module) -> nn.Module | None:
    """The module whose layers can be seen, behind what wraps it; None if there is none."""
    if isinstance(model, Adapted):
        return model.inner if model.opaque is None else None
    return original(model)


def name_of(model: Any) -> str:
    """What a report calls the model."""
    return model.name if isinstance(model, Adapted) else type(original(model)).__name__


def has_compiled(model: nn.Module) -> bool:
    """Whether some module inside runs compiled."""
    return any(
        type(m).__name__ == "OptimizedModule" or getattr(m, "_compiled_call_impl", None) is not None
        for m in model.modules()
    )


def _closed(model: nn.Module) -> str | None:
    """Why the layers of a module cannot be seen; None if they can."""
    if isinstance(model, torch.jit.ScriptModule):
        return "TorchScript runs its layers without Python, where no hook sees them"
    return EXPORTED if _is_exported(model) else None


def _is_exported(model: Any) -> bool:
    """Whether it is the module of an exported program, which keeps no layers."""
    if not isinstance(model, torch.fx.GraphModule):
        return False
    layers = [n for n in model.graph.nodes if n.op == "call_module" and not str(n.target).startswith("_guards")]
    return not layers


def _only_batch(graph: torch.fx.Graph) -> int | None:
    """The batch size that the graph of an exported module was fixed to; None if it is free."""
    for node in graph.nodes:
        value = node.meta.get("val")
        if node.op == "placeholder" and isinstance(value, Tensor) and value.ndim:
            return value.shape[0] if isinstance(value.shape[0], int) else None
    return None


def labels_in(outputs: list[Any], targets: list[Tensor | None]) -> int | None:
    """How many labels outputs of whole numbers hold; None for outputs of real numbers.

    Raises:
        FieldError: more than 4,096.
    """
    found = [o.x if isinstance(o, Signal) else o for o in outputs]
    if all(x.is_floating_point() for x in found):
        return None
    known = [t for t in targets if t is not None and not t.is_floating_point() and t.numel()]
    most = max([int(x.max()) for x in (*found, *known) if x.numel()], default=0) + 1
    if most > MOST_LABELS:
        raise FieldError(
            f"the output is whole numbers up to {most - 1:,}, too many for labels (at most {MOST_LABELS:,}). "
            f"Fix: return real numbers, or one-hot channels."
        )
    return max(most, 2)


__all__ = ["Adapted", "UnknownAction", "adapted", "as_labels", "has_compiled", "labels_in", "name_of", "opened"]
