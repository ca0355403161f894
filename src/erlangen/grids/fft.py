"""Convolution by the Fourier transform over space, for kernels so large that it is cheaper."""

from math import log2, pi, prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_channels, operator_dtype
from erlangen.blueprint.precision import rates, seconds
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.linear import PADDING_MODES, Conv
from erlangen.grids.square import needs_squares

METHODS = ("auto", "direct", "fft")
BATCH = {1: 16, 2: 16, 3: 2}  # samples that share the spectrum of a kernel, in the estimate
OVERHEAD = 5.0  # of small complex matrices, their gradients and copies, fitted to benchmarks/fft_convolution.py


def fft_conv(
    x: Float[Tensor, "b c_in *space"], kernel: Float[Tensor, "c_out c_in *taps"], padding: tuple[int, ...], mode: str
) -> Float[Tensor, "b c_out *moved"]:
    """Convolve (correlate) as `torch.nn.functional.conv2d` does, through products of spectra.

    Args:
        x: the signal.
        kernel: the kernel, in the dtype of x.
        padding: samples added on both sides of each axis.
        mode: "zeros" or "circular", what is added.

    Law: the transform of a correlation is x̂(ξ) · conj k̂(ξ).
    """
    d = len(padding)
    taps, axes = kernel.shape[2:], list(range(2, 2 + d))
    wide = torch.promote_types(x.dtype, torch.float32)
    if mode != "zeros" and any(padding):
        sides = [p for p in reversed(padding) for _ in range(2)]
        x, padding = functional.pad(x, sides, mode=PADDING_MODES[mode]), (0,) * d
    sizes = transform_sizes(tuple(x.shape[2:]), taps, padding)
    outputs = [n + 2 * p - k + 1 for n, p, k in zip(x.shape[2:], padding, taps, strict=True)]
    spectrum = torch.fft.rfftn(x.to(wide), sizes, axes)
    # one product of matrices a frequency
    products = spectrum.flatten(2).permute(2, 0, 1) @ kernel_spectrum(kernel.to(wide), sizes).mT
    y = torch.fft.irfftn(products.permute(1, 2, 0).unflatten(2, spectrum.shape[2:]), sizes, axes)
    for axis, p, count in zip(axes, padding, outputs, strict=True):
        y = y.roll(p, axis).narrow(axis, 0, count) if p else y.narrow(axis, 0, count)
    return y.to(x.dtype)


def kernel_spectrum(kernel: Float[Tensor, "c_out c_in *taps"], sizes: list[int]) -> Tensor:
    """conj k̂(ξ) = Σ_t k(t) exp(2πi ξ·t / n) for every frequency of `rfftn`, as matrices [frequencies, c_out, c_in].

    Taps are few, so that products with the matrix of every axis cost less than transforms of padded kernels.

    Args:
        kernel: real taps; the first one is at 0.
        sizes: n along each axis.
    """
    d = len(sizes)
    found = kernel.movedim((0, 1), (-2, -1))
    found = torch.complex(found, torch.zeros_like(found))
    for axis in reversed(range(d)):
        n, taps = sizes[axis], kernel.shape[2 + axis]
        count = n // 2 + 1 if axis == d - 1 else n
        steps = torch.arange(count, device=kernel.device).outer(torch.arange(taps, device=kernel.device)) % n
        angles = steps.to(kernel.dtype) * (2 * pi / n)
        found = torch.tensordot(torch.polar(torch.ones_like(angles), angles), found, ([1], [d - 1]))
    return found.flatten(0, d - 1)


def transform_sizes(shape: tuple[int, ...], taps: tuple[int, ...], padding: tuple[int, ...]) -> list[int]:
    """Samples of a transform along each axis: what a kernel reaches on either side may share its zeros."""
    return [fast_size(n + max(p, k - 1 - p, 2 * p - k + 1)) for n, k, p in zip(shape, taps, padding, strict=True)]


def fast_size(n: int) -> int:
    """The smallest number not below n that has no prime factor above 5, which transforms are fast for."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


class FFTConv(EquivariantModule):
    """A group convolution that takes the faster of two ways: directly, or by the Fourier transform over space.

    Weights, outputs and free parameters are those of `Conv`; the way is chosen for every size of input by a measured
    table of this machine.

    Law: K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹, hence f(g·x) = g·f(x).

    Args:
        in_field: type of the input.
        out_field: type of the output, same space and group.
        kernel_size: taps along each axis (…, y, x), or one number for all.
        method: "direct", "fft" or "auto".
        options: of `Conv`, but no stride, dilation or groups.

    Raises:
        UnknownName: no such method.
        FieldError: a stride, a dilation or groups.

    Source: Mathieu, Henaff, LeCun 2014, arXiv 1312.5851.
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        kernel_size: "int | tuple[int, ...]",
        *,
        method: str = "auto",
        **options: Any,
    ) -> None:
        super().__init__(in_field, out_field)
        needs_squares(in_field, "FFTConv", "HexConv")
        if method not in METHODS:
            raise UnknownName("method", method, METHODS)
        if set(options) & {"stride", "dilation", "groups"}:
            raise FieldError(
                "a product of spectra is a convolution with stride and dilation 1 that mixes all fields. "
                "Fix: Conv for strides, dilations and groups."
            )
        self.conv, self.method = Conv(in_field, out_field, kernel_size, **options), method
        # looked up here, so that compiled forward passes ask nobody
        lower = (torch.float32, torch.bfloat16)
        self.rates = {dtype: rates(dtype) for dtype in lower} if method == "auto" else {}

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out *moved"]:
        """Expand the kernel, then convolve in the faster way."""
        check_channels(self.in_field, x.shape[1], "FFTConv")
        conv = self.conv
        if not x.numel() or not self.uses_fft(tuple(x.shape[2:]), operator_dtype("dense", x)):
            return conv(x)
        return _with_bias(x, conv.kernel(), conv.expanded_bias(), conv.padding, conv.padding_mode)

    def uses_fft(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> bool:
        """Whether an input of this size goes by the Fourier transform.

        Args:
            shape: its size.
            dtype: in which the direct way would run.
        """
        if self.method != "auto":
            return self.method == "fft"
        direct, transforms, products, spectra = self._prices(shape)
        numbers = (self.in_field.size + self.out_field.size) * prod(shape)
        by_fft = seconds(self.rates[torch.float32], memory=spectra, transform=transforms, frequencies=products)
        at = self.rates.get(dtype, self.rates[torch.float32])
        return OVERHEAD * by_fft < seconds(at, product=direct, memory=numbers)

    def _prices(self, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
        """Of a sample, with its share of the spectrum of the kernel.

        Multiplications of the direct way; numbers times log2 of their number that are transformed; multiplications of
        complex matrices; numbers in passes over spectra.
        """
        conv = self.conv
        sizes = transform_sizes(shape, conv.kernel_size, conv.padding)
        modes = prod(sizes[:-1]) * (sizes[-1] // 2 + 1)
        planes, pairs = self.in_field.size + self.out_field.size, self.in_field.size * self.out_field.size
        transforms = planes * prod(sizes) * log2(prod(sizes))
        products = 4.0 * modes * pairs * (1 + sum(conv.kernel_size) / BATCH[conv.d])
        spectra = 2.0 * modes * (4 * planes + 3 * pairs / BATCH[conv.d])
        return conv.multiplications(shape), transforms, products, spectra

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """That of the convolution."""
        return self.conv.exact_when(shape)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the convolution."""
        return self.conv.out_shape(shape)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the way that this size goes."""
        direct, transforms, products, _ = self._prices(shape)
        return round(transforms + products if self.uses_fft(shape) else direct)

    def hom_dimension(self) -> int:
        """All free parameters."""
        return self.conv.hom_dimension()

    def export(self) -> nn.Module:
        """An ordinary convolution, or where every size goes by the Fourier transform, that with the expanded kernel."""
        if self.method != "fft":
            return self.conv.export()
        bias = self.conv.expanded_bias()
        kernel = self.conv.kernel().detach()
        return _PlainFFTConv(kernel, None if bias is None else bias.detach(), self.conv.padding, self.conv.padding_mode)

    def extra_repr(self) -> str:
        """The method."""
        return self.method


def _with_bias(x: Tensor, kernel: Tensor, bias: Tensor | None, padding: tuple[int, ...], mode: str) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        y = fft_conv(x, kernel, padding, mode)
    return y if bias is None else y + bias.to(y.dtype).view(-1, *[1] * len(padding))


class _PlainFFTConv(nn.Module):
    """The plain-torch form of `FFTConv`."""

    def __init__(self, kernel: Tensor, bias: Tensor | None, padding: tuple[int, ...], mode: str) -> None:
        super().__init__()
        self.weight, self.padding, self.mode = nn.Parameter(kernel.clone()), padding, mode
        self.bias = None if bias is None else nn.Parameter(bias.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Convolve by products of spectra."""
        return _with_bias(x, self.weight, self.bias, self.padding, self.mode)
