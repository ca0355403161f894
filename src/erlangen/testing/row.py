"""The matrix of a linear layer at one output point, as a function of its parameters.

On a domain it is the row of the centre: symmetries keep the centre in place, so the row obeys M ρ_in(g) = ρ_out(g) M
like a matrix between two vectors, where ρ_in moves the pixels that the row uses and turns their channels.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from erlangen.blueprint import EquivariantModule
from erlangen.symmetry import FiniteGroup, Representation
from erlangen.testing.subject import NotApplicable, Subject, at_point

LINEAR = 1e-8  # relative error up to which a function counts as linear, in float64
STENCILS = range(3, 14)  # sizes along every axis at which the row of the centre is looked for


class Row:
    """The linear map from a small input to the output at its centre, as a function of the parameters.

    Args:
        subject: decides what is random.
        module: affine in its input, in float64 and evaluation mode.
        names: its free parameters.

    Raises:
        NotApplicable: no size has a centre whose row ends inside it.
    """

    def __init__(self, subject: Subject, module: EquivariantModule, names: Sequence[str]) -> None:
        self.module, self.names = module, names
        self.generator = torch.Generator().manual_seed(subject.seed)
        self.here = torch.cat([module.get_parameter(name).detach().flatten() for name in names])
        self.shape, self.where = self._size()
        self.unknowns = module.out_field.size * len(self.entries)

    def _size(self) -> tuple[tuple[int, ...], str]:
        """The smallest size whose output has a centre, with no tap at the rim, and the taps in use."""
        in_field, out_field = self.module.in_field, self.module.out_field
        if at_point(in_field) and at_point(out_field):
            self.entries = torch.arange(in_field.size)
            return (), ""
        if in_field.space.exact_elements(in_field.group) is not None:
            raise NotApplicable("the group is larger than what maps the domain to itself")
        if at_point(in_field) or at_point(out_field) or not isinstance(in_field.group, FiniteGroup):
            raise NotApplicable("it does not map a domain with a finite group to itself, so no point has a row")
        taps = {n: pixels for n in STENCILS if (pixels := self._taps(n)) is not None}
        largest = taps[max(taps)] if taps else torch.zeros(0)
        if not largest.any() or _touches_the_rim(largest):
            raise NotApplicable("no small size has a centre whose row ends inside it")
        n, pixels = next((n, p) for n, p in taps.items() if p.sum() == largest.sum() and not _touches_the_rim(p))
        self.entries = pixels.expand(in_field.size, *pixels.shape).reshape(-1).nonzero()[:, 0]
        return tuple(pixels.shape), f" on {'×'.join([str(n)] * pixels.ndim)}"

    def _taps(self, n: int) -> Tensor | None:
        """Which pixels of an input of size n the output at the centre depends on; None if there is no such size."""
        field = self.module.in_field
        x = torch.randn(1, field.size, *(n,) * len(field.space.nominal_shape()), generator=self.generator)
        x = x.double().requires_grad_()
        try:
            y = functional_call(self.module, self._given(self._random()), (x,))
        except Exception:  # sizes may be refused; the law of outputs judges crashes
            return None
        if any(m % 2 == 0 for m in y.shape[2:]):
            return None
        centre = _centre(y)[0]
        rows = [torch.autograd.grad(value, x, retain_graph=True)[0][0].abs().amax(0) for value in centre]
        return torch.stack(rows).amax(0) > 0

    def _random(self) -> Tensor:
        return self.here + torch.randn(len(self.here), generator=self.generator, dtype=torch.float64)

    def _given(self, parameters: Tensor) -> dict[str, Tensor]:
        sizes = [self.module.get_parameter(name).shape for name in self.names]
        parts = parameters.split([s.numel() for s in sizes])
        return {name: part.view(s) for name, part, s in zip(self.names, parts, sizes, strict=True)}

    def _matrix(self, parameters: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """M [C_out, entries] and b [C_out] at the centre, for these parameters."""
        channels = self.module.in_field.size
        x = torch.zeros(1 + len(self.entries), channels, *shape, dtype=torch.float64)
        x.view(len(x), -1)[torch.arange(1, len(x)), self.entries] = 1.0
        y = _centre(functional_call(self.module, self._given(parameters), (x,)))  # no parameter here needs a gradient
        return (y[1:] - y[0]).T, y[0]

    def rep_in(self) -> Representation:
        """How the group moves the entries that the row uses."""
        field = self.module.in_field
        if not self.shape:
            return field.rep
        images = {}
        n = len(self.entries)
        x = torch.zeros(n, field.size, *self.shape, dtype=torch.float64)
        x.view(n, -1)[torch.arange(n), self.entries] = 1.0
        for name, g in field.group.generators.items():
            moved = field.act(g, x).reshape(n, -1)[:, self.entries].T
            if not torch.equal(moved.square().sum(0) > 0, torch.ones(n, dtype=torch.bool)):
                raise NotApplicable("the taps it uses are not mapped to themselves by the group")
            images[name] = moved.numpy()
        return field.group.representation(images) if images else n * field.group.trivial

    def derivatives(self, count: int, wanted: int) -> tuple[np.ndarray, np.ndarray, bool]:
        """Derivatives of M and b along all parameters, or along as many random directions as are wanted.

        Returns:
            maps [k, C_out·entries], biases [k, C_out], and whether M and b are linear in the parameters.
        """
        if wanted < count:
            along = torch.randn(wanted, count, generator=self.generator, dtype=torch.float64)
            along /= along.norm(dim=1, keepdim=True)
        else:
            along = torch.eye(count, dtype=torch.float64)
        at, linear = self._random(), self._is_linear()
        base, step = self._matrix(at, self.shape), 1.0 if linear else 1e-4
        maps, biases = [], []
        for direction in along:
            m, b = self._matrix(at + step * direction, self.shape)
            n, c = base if linear else self._matrix(at - step * direction, self.shape)
            maps.append((m - n).flatten() / (step if linear else 2 * step))
            biases.append((b - c) / (step if linear else 2 * step))
        return torch.stack(maps).numpy(), torch.stack(biases).numpy(), linear

    def _is_linear(self) -> bool:
        a, b, c = self._random(), self._random(), self._random()
        matrices = [torch.cat([m.flatten(), v]) for m, v in (self._matrix(p, self.shape) for p in (a, b, c, a + b - c))]
        want = matrices[0] + matrices[1] - matrices[2]
        return bool((matrices[3] - want).abs().max() <= LINEAR * want.abs().max())


def _centre(y: Tensor) -> Tensor:
    """The values at the middle of every axis, [batch, channels]."""
    return y[(..., *(m // 2 for m in y.shape[2:]))]


def _touches_the_rim(pixels: Tensor) -> bool:
    inner = torch.zeros_like(pixels)
    inner[(slice(1, -1),) * pixels.ndim] = True
    return bool((pixels & ~inner).any())
