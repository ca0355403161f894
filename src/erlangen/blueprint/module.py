"""Modules that know the types of their input and output."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint.field import Field
from erlangen.errors import FieldError


class EquivariantModule(nn.Module):
    """A module between two fields.

    Args:
        in_field: type of the input.
        out_field: type of the output.

    Law: `f(g·x) = g·f(x)`, that is `out_field.act(g, f(x)) = f(in_field.act(g, x))`.
    """

    incomplete = ""  # why a linear layer reaches fewer maps than dim Hom_G; empty where it reaches them all

    def __init__(self, in_field: Field, out_field: Field) -> None:
        super().__init__()
        self.in_field, self.out_field = in_field, out_field

    @property
    def law(self) -> str:
        """The law this module obeys, as a formula."""
        return "f(g·x) = f(x)" if self.out_field.rep.is_trivial and not self.out_shape_has_domain else "f(g·x) = g·f(x)"

    @property
    def out_shape_has_domain(self) -> bool:
        """Whether the output still lives on a domain (a map) rather than at a point (a vector)."""
        return self.out_field.space.name != "point"

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Size of the output domain for an input domain of size `shape`."""
        return shape

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Whether the law is exact at this size (to rounding), and the condition in words."""
        return True, "always"

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Scalar multiplications of one forward pass for one input of size `shape`."""
        return 0

    def export(self) -> nn.Module:
        """The same map as plain torch modules, with equal outputs to rounding."""
        raise NotImplementedError(f"{type(self).__name__} has no plain-torch form")

    def leaves(self) -> Iterator[tuple[str, "EquivariantModule"]]:
        """(path, module) of every step a plan shows as a row, in order of execution; itself by default."""
        yield "", self

    def trace_shapes(self, shape: tuple[int, ...]) -> Iterator[tuple[str, "EquivariantModule", tuple[int, ...]]]:
        """(path, module, input shape) of every leaf, in order of execution."""
        yield "", self, shape


def first_condition(*words: str) -> str:
    """The first of several statements of when a law is exact that says more than "always"."""
    return next((w for w in words if w != "always" and not w.startswith("always (")), "always")


class Sequential(EquivariantModule):
    """Modules one after the other; the chain of fields is checked when it is built.

    Args:
        modules: at least one module; each one's in_field equals the out_field before it.

    Raises:
        FieldError: two neighbours do not fit; the message names both.
    """

    def __init__(self, *modules: EquivariantModule) -> None:
        if not modules:
            raise FieldError("Sequential needs at least one module")
        for i, (before, after) in enumerate(pairwise(modules)):
            if before.out_field != after.in_field:
                raise FieldError(
                    f"step {i + 1} ({type(after).__name__}) expects {after.in_field}, but step {i} "
                    f"({type(before).__name__}) gives {before.out_field}. Fix: give step {i} "
                    f"out_field={after.in_field.rep} "
                    f"or step {i + 1} in_field={before.out_field.rep}."
                )
        super().__init__(modules[0].in_field, modules[-1].out_field)
        self.steps = nn.ModuleList(modules)

    def forward(self, x: Any) -> Any:
        """Apply every step in turn."""
        for step in self.steps:
            x = step(x)
        return x

    @property
    def chain(self) -> list[EquivariantModule]:
        """The steps, in order."""
        return [step for step in self.steps if isinstance(step, EquivariantModule)]

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Size of the output domain."""
        for step in self.chain:
            shape = step.out_shape(shape)
        return shape

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Exact if every step is, under the conditions of the first that has any."""
        words = "always"
        for step in self.chain:
            exact, why = step.exact_when(shape)
            if not exact:
                return exact, why
            words = first_condition(words, why)
            shape = step.out_shape(shape)
        return True, words

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Sum over the steps."""
        total = 0
        for step in self.chain:
            total += step.multiplications(shape)
            shape = step.out_shape(shape)
        return total

    def export(self) -> nn.Module:
        """`nn.Sequential` of the plain forms."""
        return nn.Sequential(*(step.export() for step in self.chain))

    def leaves(self) -> Iterator[tuple[str, EquivariantModule]]:
        """The leaves of every step."""
        for i, step in enumerate(self.chain):
            for path, leaf in step.leaves():
                yield f"steps.{i}" + (f".{path}" if path else ""), leaf

    def trace_shapes(self, shape: tuple[int, ...]) -> Iterator[tuple[str, EquivariantModule, tuple[int, ...]]]:
        """The leaves of every step, each with the size of its input."""
        for i, step in enumerate(self.chain):
            for path, leaf, at in step.trace_shapes(shape):
                yield f"steps.{i}" + (f".{path}" if path else ""), leaf, at
            shape = step.out_shape(shape)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: int) -> nn.Module:
        return self.steps[i]


class Branch(EquivariantModule):
    """The U: a fine path that skips a coarse detour, both joined by channels.

        x ─ inner (coarsens) ─ refine ─┐
        └──────────────────────────── join ─ fuse

    Args:
        inner: coarsens and works on the coarse domain.
        refine: `refine(y, like=x)` brings its output back to the domain of x.
        fuse: takes the joined channels (skip first, then the detour).

    Law: f(g·x) = g·f(x), since joining channels is a direct sum of representations.
    """

    def __init__(self, inner: EquivariantModule, refine: EquivariantModule, fuse: EquivariantModule) -> None:
        joined = inner.in_field.rep + refine.out_field.rep
        if fuse.in_field.rep != joined:
            raise FieldError(f"fuse expects {fuse.in_field.rep}, the skip and the detour give {joined}")
        super().__init__(inner.in_field, fuse.out_field)
        self.inner, self.refine, self.fuse = inner, refine, fuse

    def forward(self, x: Any) -> Any:
        """Join the skip and the detour, then fuse."""
        detour = self.refine(self.inner(x), like=x)
        return self.fuse(self.in_field.space.concatenate(x, detour))

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Exact if every part is."""
        exact, why = self.inner.exact_when(shape)
        fused, words = self.fuse.exact_when(shape)
        return (exact, why) if not exact else (fused, first_condition(why, words) if fused else words)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Both paths."""
        return sum(leaf.multiplications(at) for _, leaf, at in self.trace_shapes(shape))

    def leaves(self) -> Iterator[tuple[str, EquivariantModule]]:
        """The leaves of the detour, then of the fusion."""
        for name, part in (("inner", self.inner), ("refine", self.refine), ("fuse", self.fuse)):
            for path, leaf in part.leaves():
                yield f"{name}.{path}".rstrip("."), leaf

    def trace_shapes(self, shape: tuple[int, ...]) -> Iterator[tuple[str, EquivariantModule, tuple[int, ...]]]:
        """The leaves of both paths, with the sizes of their inputs."""
        for name, part in (("inner", self.inner), ("refine", self.refine), ("fuse", self.fuse)):
            for path, leaf, at in part.trace_shapes(shape):
                yield f"{name}.{path}".rstrip("."), leaf, at

    def export(self) -> nn.Module:
        """The same U in plain torch."""
        return PlainBranch(self.inner.export(), self.refine.export(), self.fuse.export())


class PlainBranch(nn.Module):
    """The plain-torch form of `Branch` for tensors, joined along channels."""

    def __init__(self, inner: nn.Module, refine: nn.Module, fuse: nn.Module) -> None:
        super().__init__()
        self.inner, self.refine, self.fuse = inner, refine, fuse

    def forward(self, x: Tensor) -> Tensor:
        """Join and fuse."""
        return self.fuse(torch.cat([x, self.refine(self.inner(x), x)], dim=1))
