"""A diagonal state-space layer that runs along both strands and mixes them, as one long convolution."""

from collections.abc import Iterator
from math import ceil, log, log2, pi, prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Sequential, check_signal
from erlangen.errors import FieldError
from erlangen.grids.linear import Conv
from erlangen.grids.norm import LayerNorm
from erlangen.grids.strand.residual import Residual


class StateSpace(EquivariantModule):
    """A linear state-space system on each strand, driven by both.

    With f and r the two strands, y_f = k * f + m * r and y_r = k̃ * r + m̃ * f, where k̃(t) = k(-t). Each of k and m
    is two-sided, and each side is the response of a diagonal linear system of its own, k(t) = 2 Re Σ_n C_n exp(A_n t).
    Between even and odd channels these are all kernels k(|t|) and sign(t) k(|t|): the strands truly mix.

    Law: f(g·x) = g·f(x), exactly for zeros beyond both ends.

    Args:
        field: copies of "regular", as input and output; of the group "C1", copies of "trivial".
        states: states a channel.
        shortest: shortest memory at the start, in letters.
        longest: longest memory at the start.

    Raises:
        FieldError: another field, or no states.

    Source: Gu et al. 2022, arXiv 2206.11893 (diagonal systems, zero-order hold).
    """

    incomplete = "copies do not mix, and the kernels are responses of systems with a few states"

    def __init__(self, field: Field, states: int = 8, shortest: float = 2.0, longest: float = 200.0) -> None:
        super().__init__(field, field)
        regular = getattr(field.group, "regular", None)
        if regular is None or len(field.rep.terms) != 1 or field.rep.terms[0][1] != regular.terms[0][1]:
            raise FieldError(
                f"StateSpace needs copies of the regular representation, got {field.rep} of {field.group}. "
                f"Fix: put Conv(field, field.with_rep('n regular'), 1) before it, as state_space_block does."
            )
        if states < 1:
            raise FieldError(f"StateSpace needs at least one state, got {states}")
        copies, self.strands = field.rep.terms[0][0], field.size // field.rep.terms[0][0]
        sides = 2 * self.strands  # both directions of the kernel of this strand, and of that of the other
        memory = torch.linspace(log(shortest), log(max(longest, shortest)), copies)
        self.log_rate = nn.Parameter(-memory[:, None] + 0.1 * torch.randn(copies, states))
        self.frequency = nn.Parameter((pi * torch.arange(states) / 2).expand(copies, -1) * self.log_rate.detach().exp())
        self.response = nn.Parameter(torch.randn(copies, sides, states, 2) / (states * sides) ** 0.5)

    def kernels(self, length: int) -> Float[Tensor, "copies sides length"]:
        """Every one-sided kernel at t = 0 … length - 1, scaled by the memory of its states."""
        return one_sided(self.log_rate, self.frequency, self.response, length)

    def forward(self, x: Float[Tensor, "b c l"]) -> Float[Tensor, "b c l"]:
        """Convolve by the fast Fourier transform."""
        check_signal(self.in_field, x, "StateSpace")
        return long_convolution(x, self.kernels(x.shape[2]), self.strands)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the transforms, about 2 n log2 n each for the doubled length n, and of the spectra."""
        n = 2 * prod(shape)
        return 2 * self.in_field.size * 2 * n * max(1, ceil(log2(n))) + 2 * n * self.in_field.size * self.strands

    def export(self) -> nn.Module:
        """The same convolution, of the same system."""
        return _PlainStateSpace(self.log_rate, self.frequency, self.response, self.strands)

    def extra_repr(self) -> str:
        """Field and states."""
        return f"{self.in_field.rep}, {self.response.shape[2]} states"


def one_sided(log_rate: Tensor, frequency: Tensor, response: Tensor, length: int) -> Tensor:
    """2 Re Σ_n C_n (1 - exp(A_n)) exp(A_n t) for t = 0 … length - 1, with A = -rate + i frequency.

    Args:
        log_rate: [copies, states].
        frequency: [copies, states].
        response: [copies, sides, states, 2], C as real and imaginary parts.
        length: samples.
    """
    wide = torch.promote_types(log_rate.dtype, torch.float32)
    rate, turn = log_rate.to(wide).exp(), frequency.to(wide)
    t = torch.arange(length, device=log_rate.device, dtype=wide)
    decay = (-rate[..., None] * t).exp()  # [copies, states, length]
    cos, sin = decay * (turn[..., None] * t).cos(), decay * (turn[..., None] * t).sin()
    first = (-rate).exp()
    real, imaginary = 1 - first * turn.cos(), -first * turn.sin()  # 1 - exp(A): the hold of the input over one step
    c_real, c_imaginary = response.to(wide).unbind(-1)
    held_real = c_real * real[:, None] - c_imaginary * imaginary[:, None]
    held_imaginary = c_real * imaginary[:, None] + c_imaginary * real[:, None]
    return 2 * (held_real @ cos - held_imaginary @ sin)


def long_convolution(x: Tensor, kernels: Tensor, strands: int) -> Tensor:
    """y_f = k * f + m * r and y_r = k̃ * r + m̃ * f, by products of spectra of the doubled length.

    Args:
        x: [B, copies · strands, L].
        kernels: [copies, 2 · strands, L]: k at t >= 0, k at t < 0, then the same of m.
        strands: 2, or 1 without the symmetry, where only k is.
    """
    length = x.shape[2]
    if x.numel() == 0:  # which the transforms refuse
        return x.clone()
    with torch.autocast(x.device.type, enabled=False):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        spectra = torch.fft.rfft(wide.unflatten(1, (-1, strands)), 2 * length)  # [B, copies, strands, modes]
        sides = torch.fft.rfft(kernels.to(wide.dtype), 2 * length)
        shift = 2 * pi / (2 * length) * torch.arange(length + 1, device=x.device, dtype=wide.dtype)
        delay = torch.complex(shift.cos(), shift.sin())  # the other side starts at t = -1
        two_sided = sides[:, 0::2] + sides[:, 1::2].conj() * delay
        if strands == 1:
            y = spectra * two_sided
        else:
            f, r = spectra[:, :, 0], spectra[:, :, 1]
            k, m = two_sided[:, 0], two_sided[:, 1]
            y = torch.stack([k * f + m * r, k.conj() * r + m.conj() * f], dim=2)
        y = torch.fft.irfft(y, 2 * length)[..., :length]
    return y.flatten(1, 2).to(x.dtype)


class _PlainStateSpace(nn.Module):
    """The plain-torch form of `StateSpace`."""

    def __init__(self, log_rate: Tensor, frequency: Tensor, response: Tensor, strands: int) -> None:
        super().__init__()
        self.log_rate = nn.Parameter(log_rate.detach().clone())
        self.frequency = nn.Parameter(frequency.detach().clone())
        self.response, self.strands = nn.Parameter(response.detach().clone()), strands

    def forward(self, x: Tensor) -> Tensor:
        kernels = one_sided(self.log_rate, self.frequency, self.response, x.shape[2])
        return long_convolution(x, kernels, self.strands)


class GatedStateSpace(EquivariantModule):
    """B (S silu(D u) ⊙ sigmoid(v)), with u and v regular fields of the input, D a short convolution, S the state space.

    Products of regular fields are products on each strand, which the reverse complement permutes.

    Law: f(g·x) = g·f(x).

    Args:
        in_field: type of the input.
        out_field: type of the output; None for that of the input.
        copies: regular copies inside; None for as many channels as the input has.
        states: states a channel.
        kernel_size: taps of the short convolution, odd.

    Source: Gu & Dao 2023, arXiv 2312.00752, section 3.4 (gated block); here with a bounded gate.
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field | None = None,
        copies: int | None = None,
        states: int = 8,
        kernel_size: int = 3,
    ) -> None:
        super().__init__(in_field, in_field if out_field is None else out_field)
        regular = in_field.group.representation("regular")
        copies = max(1, in_field.size // regular.size) if copies is None else copies
        inner = in_field.with_rep(copies * regular)
        self.split = inner.size
        self.project = Conv(in_field, in_field.with_rep(2 * copies * regular), 1)
        self.short = Conv(inner, inner, kernel_size, groups=copies)
        self.system = StateSpace(inner, states)
        self.merge = Conv(inner, self.out_field, 1)

    def forward(self, x: Float[Tensor, "b c_in l"]) -> Float[Tensor, "b c_out l"]:
        """Project, convolve short and long, gate, merge."""
        u, v = self.project(x).split(self.split, dim=1)
        return self.merge(self.system(functional.silu(self.short(u))) * v.sigmoid())

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the parts, and one a value for the gate."""
        parts = (self.project, self.short, self.system, self.merge)
        return sum(part.multiplications(shape) for part in parts) + self.split * prod(shape)

    def leaves(self) -> Iterator[tuple[str, EquivariantModule]]:
        """The parts."""
        yield from ((name, getattr(self, name)) for name in ("project", "short", "system", "merge"))

    def trace_shapes(self, shape: tuple[int, ...]) -> Iterator[tuple[str, EquivariantModule, tuple[int, ...]]]:
        """The parts, all at the size of the input."""
        for path, leaf in self.leaves():
            yield path, leaf, shape

    def export(self) -> nn.Module:
        """The parts in plain torch."""
        parts = (part.export() for part in (self.project, self.short, self.system, self.merge))
        return _PlainGated(self.split, *parts)


class _PlainGated(nn.Module):
    """The plain-torch form of `GatedStateSpace`."""

    def __init__(self, split: int, project: nn.Module, short: nn.Module, system: nn.Module, merge: nn.Module) -> None:
        super().__init__()
        self.split, self.project, self.short, self.system, self.merge = split, project, short, system, merge

    def forward(self, x: Tensor) -> Tensor:
        u, v = self.project(x).split(self.split, dim=1)
        return self.merge(self.system(functional.silu(self.short(u))) * v.sigmoid())


def state_space_block(in_field: Field, out_field: Field, *, states: int = 8, **local: Any) -> EquivariantModule:
    """norm (x + gated state space (norm x)).

    Args:
        in_field: type of the input.
        out_field: type of the output.
        states: states a channel.
        local: of the short convolution, such as kernel_size.
    """
    layer = GatedStateSpace(in_field, out_field, states=states, **local)
    return Sequential(Residual(Sequential(LayerNorm(in_field), layer)), in_field.space.norm(out_field))
