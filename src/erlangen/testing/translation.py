"""The law of shifts: a layer on a grid has no absolute position.

The group of a field holds turns and mirror images; the shifts of the domain belong to its symmetry too, but only
away from the border. So the law is checked at the centre of the output, where what it depends on ends before the
border begins.
"""

from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor

from erlangen.blueprint import EquivariantModule
from erlangen.testing.subject import Finding, NotApplicable, Subject, at_point, law, relative_error

LIMIT = 1e-10
FACTORS = (1, 2, 4, 8)  # a network that coarsens and refines again is kept by shifts of whole coarse pixels only


@law("translation")
def law_translation(subject: Subject) -> Finding:
    """Away from the border, a shifted input gives the shifted output, f(t·x) = t·f(x)."""
    subject.needs_tensor("the domain has no shifts")
    module = subject.fresh().double()
    in_field, out_field = module.in_field, module.out_field
    actions = in_field.space.actions(in_field.group, subject.signal(), 1)
    if not any(action.family == "translation" for action in actions):
        raise NotApplicable("the domain has no shifts")
    if at_point(out_field):
        raise NotApplicable("the output is a vector, which cannot show where the border begins to matter")
    if len(out_field.space.nominal_shape()) != len(in_field.space.nominal_shape()):
        raise NotApplicable("the output has other axes than the input, such as scales")
    worst = None
    for factor in FACTORS:
        found = next(
            ((e, shape) for shape in _sizes(subject) if (e := _shifted(subject, module, shape, factor)) is not None),
            None,
        )
        if found is None:
            break
        worst, shape = found
        if worst <= LIMIT:
            period = "" if factor == 1 else f", for shifts by {factor} pixels (it coarsens inside)"
            return subject.limit("translation", worst, LIMIT, f"at the centre of {'×'.join(map(str, shape))}{period}")
    if worst is None:
        raise NotApplicable("what the centre depends on reaches the border at every size tried")
    raise subject.broken("translation", f"relative error {worst:.1e} > {LIMIT:g}, for shifts by 1, 2, 4 and 8 pixels")


def _sizes(subject: Subject) -> Iterator[tuple[int, ...]]:
    d = len(subject.module.in_field.space.nominal_shape())
    if subject.shapes == [subject.module.in_field.space.nominal_shape()]:
        yield subject.module.in_field.space.nominal_shape()
        return
    for n in (9, 8, 17, 16, 33, 32, 65, 64)[: 4 if d == 3 else 8]:
        yield (n,) * d


def _shifted(subject: Subject, module: EquivariantModule, shape: tuple[int, ...], factor: int) -> float | None:
    """The worst relative error over shifts by `factor` output pixels; None if this size is refused or too small."""
    d = len(shape)
    generator = torch.Generator().manual_seed(subject.seed)
    x = torch.randn(3, module.in_field.size, *shape, generator=generator, dtype=torch.float64)
    try:
        pixels, y = _receptive_field(module, x)
    except Exception:  # sizes may be refused; the law of outputs judges crashes
        return None
    steps = [factor * max(1, round(n / m)) for n, m in zip(shape, y.shape[2:], strict=True)]
    for axis, (n, m, step) in enumerate(zip(shape, y.shape[2:], steps, strict=True)):
        used = pixels.movedim(axis, 0).flatten(1).any(1).nonzero()[:, 0] if d > 1 else pixels.nonzero()[:, 0]
        if m < 2 * factor + 1 or not len(used) or used.min() <= step or used.max() >= n - 1 - step:
            return None
    errors = []
    centre = [m // 2 for m in y.shape[2:]]
    with torch.no_grad():
        for axis, sign in product(range(d), (1, -1)):
            moved = list(centre)
            moved[axis] += sign * factor
            got = module(x.roll(sign * steps[axis], axis - d))[(..., *moved)]
            errors.append(relative_error(got, y[(..., *centre)]))
    return max(errors)


def _receptive_field(module: EquivariantModule, x: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels on which the centre of the output depends, and the output."""
    x = x.clone().requires_grad_()
    y = module(x)
    y[(..., *(m // 2 for m in y.shape[2:]))].square().sum().backward()
    pixels = torch.zeros(x.shape[2:], dtype=torch.bool) if x.grad is None else (x.grad != 0).flatten(0, 1).any(0)
    return pixels, y.detach()
