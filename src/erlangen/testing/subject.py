"""What a law is checked on: a prepared copy of the module, signals of every size it takes, elements of its group."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Action, EquivariantModule, Field, Signal
from erlangen.errors import ErlangenError, FieldError, LawError
from erlangen.symmetry import FiniteGroup, ImplicitGroup, Representation

Shape = tuple[int, ...] | None
SIZES = (8, 9, 12, 13, 16, 17, 32, 33)


@dataclass(frozen=True)
class Finding:
    """What one law found.

    Args:
        law: its name.
        status: "holds" or "not applicable".
        detail: sizes, elements and what else was tried, or why it does not apply.
        measured: the worst error, if the law measures one.
        limit: the largest error allowed.
    """

    law: str
    status: str
    detail: str = ""
    measured: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Motion:
    """One element of the group, as it moves the input and the output of a module.

    Args:
        label: what prints.
        on_input: x ↦ g·x.
        on_output: y ↦ g·y.
    """

    label: str
    on_input: Callable[[Any], Any]
    on_output: Callable[[Any], Any]


class NotApplicable(Exception):
    """A law that says nothing about this module; the message says why."""


LAWS: dict[str, Callable[..., Finding]] = {}  # name -> law, in the order they run


def law(name: str) -> Callable[[Callable[["Subject"], Finding | str]], Callable[..., Finding]]:
    """Register a law. It may then be called on a module as well as on a prepared `Subject`.

    Args:
        name: what reports and errors call it.
    """

    def register(body: Callable[["Subject"], Finding | str]) -> Callable[..., Finding]:
        @wraps(body)
        def run(module: "EquivariantModule | Subject", *, shape: Shape = None, seed: int = 0) -> Finding:
            subject = module if isinstance(module, Subject) else Subject(module, shape, seed)
            try:
                found = body(subject)
            except NotApplicable as reason:
                return Finding(name, "not applicable", str(reason))
            except LawError:
                raise
            except Exception as error:
                raise LawError(name, subject.original, f"{type(error).__name__}: {error}") from error
            return Finding(name, "holds", found) if isinstance(found, str) else found

        delattr(run, "__wrapped__")  # so that help() and inspect show the arguments of `run`
        LAWS[name] = run
        return run

    return register


class Subject:
    """A module made ready for the laws.

    The copy's parameters are shaken, so that zero biases and unit scales hide nothing, and its running statistics have
    seen two batches. It is in evaluation mode; a law that changes it works on `fresh()`.

    Args:
        module: the module; it is left as it is.
        shape: the one size of its input domain to try; None tries even, odd and unequal sizes, where there are any.
        seed: of everything random.

    Raises:
        LawError: the module cannot be copied, or takes no size at all.
    """

    def __init__(self, module: EquivariantModule, shape: Shape = None, seed: int = 0) -> None:
        if not isinstance(module, EquivariantModule):
            raise FieldError(
                f"the laws are about EquivariantModules, which know their fields; got {type(module).__name__}. "
                f"Fix: erlangen.audit(model, data) measures any nn.Module."
            )
        self.original, self.seed = module, seed
        self.reach: Any = None  # what `erlangen.testing.parameters` finds out once for two laws
        try:
            self.module = copy.deepcopy(module).eval()
        except Exception as error:
            raise LawError("deepcopy", module, f"{type(error).__name__}: {error}") from error
        self._shake()
        self.shapes = self._choose(shape)
        self._warm_up()

    def fresh(self) -> EquivariantModule:
        """A copy of the prepared module, in evaluation mode."""
        return copy.deepcopy(self.module).eval()

    def signal(
        self, shape: Shape = None, batch: int = 2, dtype: torch.dtype = torch.float32, offset: int = 0
    ) -> "Tensor | Signal":
        """White noise on the input domain.

        Args:
            shape: its size; None takes the first accepted one.
            batch: how many examples.
            dtype: of the values.
            offset: added to the seed, for a second signal.
        """
        generator = torch.Generator().manual_seed(self.seed + 17 * offset)
        shape = self.shapes[0] if shape is None else shape
        field = self.module.in_field
        if shape is None:
            return with_values(found := field.space.sample_signal(field, batch, generator), values(found).to(dtype))
        x = torch.randn(batch, field.size, *shape, generator=generator).to(dtype)
        support = getattr(field.space, "mask", None)  # of domains that do not fill their box of numbers
        return x if support is None else x * support(shape).to(dtype)

    def motions(self, signal: "Tensor | Signal", count: int = 4) -> list["Motion"]:
        """Elements of the group, as motions of this signal.

        They are its discrete generators and random elements: uniform ones of a compact group; of another, ones close
        to the identity, which generate it and keep rounding small. Where the elements depend on the signal (the
        permutations of the nodes of a graph), they are the exact actions that the space offers for audits.
        """
        in_field, out_field = self.module.in_field, self.module.out_field
        group, generator = in_field.group, torch.Generator().manual_seed(self.seed)
        exact = in_field.space.exact_elements(group)
        if exact is not None:
            return [self._motion(g) for g in exact[1 : count + 3]]
        if isinstance(group, FiniteGroup):
            chosen = [*group.generators.values(), *group.sample(count, generator)]
            return [self._motion(g) for g in dict.fromkeys(chosen)]
        if not isinstance(group, ImplicitGroup) and at_point(in_field) and at_point(out_field):
            drawn = group.sample(count, generator) if group.is_compact else group.words(count, generator, length=1)
            return [self._motion(g) for g in (*group.generators.values(), *drawn)]
        if at_point(out_field) and not out_field.rep.is_trivial:
            raise NotApplicable(f"{group} has no known action on {out_field}")
        return [
            Motion(
                action.label,
                partial(_move, action, in_field.rep),
                _identity if at_point(out_field) else partial(_move, action, out_field.rep),
            )
            for action in in_field.space.actions(group, signal, 2 + count, generator)
            if action.exact
        ]

    def _motion(self, g: Any) -> "Motion":
        in_field, out_field = self.module.in_field, self.module.out_field
        label = in_field.group.label(g)
        short = label if len(label) <= 40 else label[:39] + "…"
        return Motion(short, partial(in_field.act, g), partial(out_field.act, g))

    def needs_tensor(self, why: str) -> None:
        """Pass over a law that is about plain tensors only."""
        if not isinstance(self.signal(), Tensor):
            raise NotApplicable(why)

    def broken(self, name: str, text: str) -> LawError:
        """The error of a law that does not hold."""
        return LawError(name, self.original, text)

    def limit(self, name: str, error: float, limit: float, detail: str) -> Finding:
        """Raise if an error exceeds its limit (or is not a number), else report it."""
        if not error <= limit:
            raise self.broken(name, f"relative error {error:.1e} > {limit:g}, {detail}")
        return Finding(name, "holds", detail, error, limit)

    def _shake(self) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        with torch.no_grad():
            for p in self.module.parameters():
                scale = 0.2 * float(p.float().square().mean().sqrt()) if p.numel() else 0.0
                p.add_((torch.randn(p.shape, generator=generator) * (scale or 0.1)).to(p))

    def _warm_up(self) -> None:
        self.module.train()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            for k in range(2):
                self.module(self.signal(offset=5 + k))
        self.module.eval()

    def _choose(self, shape: Shape) -> list[Shape]:
        """One even, one odd, one unequal size that the module accepts; [None] where the space samples its domains."""
        if shape is not None:
            self._try(tuple(shape), needed=True)
            return [tuple(shape)]
        space = self.module.in_field.space
        nominal = space.nominal_shape()
        sample = space.sample_signal(self.module.in_field, 1)
        if not isinstance(sample, Tensor) or tuple(sample.shape[2:]) != nominal:
            return [None]
        if not nominal:
            return [()]
        d = len(nominal)
        chosen: list[Shape] = []
        crashed: list[str] = []
        for parity, word in enumerate(("even", "odd")):
            errors = []
            for n in (n for n in SIZES if n % 2 == parity):
                errors.append(self._try((n,) * d))
                if errors[-1] is None:
                    chosen.append((n,) * d)
                    break
            if errors[-1] is not None and not isinstance(errors[-1], ErlangenError):
                crashed.append(f"fails at all {word} sizes, last with {errors[-1]!r}; refuse them by ExactnessError")
        if not chosen or chosen == [nominal]:  # made for one size
            self._try(nominal, needed=True)
            return [nominal]
        if crashed:
            raise self.broken("output", crashed[0])
        unequal = (*(chosen[0] or ())[1:], (chosen[0] or (0,))[0] + 3)
        if d > 1 and self._try(unequal) is None:
            chosen.append(unequal)
        return chosen

    def _try(self, shape: tuple[int, ...], needed: bool = False) -> Exception | None:
        try:
            with torch.no_grad():
                self.module(self.signal(shape))
        except Exception as error:
            if needed:
                raise self.broken(
                    "output", f"no output at size {'×'.join(map(str, shape))}: {type(error).__name__}: {error}"
                ) from error
            return error
        return None


def values(signal: "Tensor | Signal") -> Tensor:
    """The numbers of a signal: itself on a fixed domain, `signal.x` on a varying one."""
    return signal if isinstance(signal, Tensor) else signal.x


def with_values(signal: "Tensor | Signal", x: Tensor) -> "Tensor | Signal":
    """The signal with other numbers on the same domain."""
    return x if isinstance(signal, Tensor) else signal._replace(x=x)


def at_point(field: Field) -> bool:
    """Whether the signals of a field are vectors with no domain."""
    return field.space.name == "point"


def _move(action: Action, rep: Representation, signal: Any) -> Any:
    return action.move(signal, rep)


def _identity(signal: Any) -> Any:
    return signal


def relative_error(got: "Tensor | Signal", want: "Tensor | Signal", norm: str = "max") -> float:
    """‖got - want‖ / ‖want‖, in the largest entry or ("l2") in the root mean square; infinite if the shapes differ."""
    a, b = values(got).detach().double(), values(want).detach().double()
    if a.shape != b.shape:
        return float("inf")
    if not a.numel():
        return 0.0
    size = (lambda t: t.abs().amax()) if norm == "max" else (lambda t: t.square().mean().sqrt())
    scale = float(size(b))
    error = float(size(a - b))
    return error / scale if scale > 0 else (0.0 if error == 0 else float("inf"))
