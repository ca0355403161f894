"""Convolution through products of spectra, computed tile by tile as products of real matrices.

A tile of N samples along each axis is taken to its Fourier coefficients, multiplied there by the spectrum of the
kernel, and brought back. For two axes and real signals that is N (N/2 + 1) complex products, three real ones each;
the direct way multiplies once for every tap and output. With 5×5 taps a tenth to a quarter of the products of channels
is left, and the error of rounding is smaller. The transforms along an axis are products with matrices of about N rows,
cheap beside the products of channels; complex coefficients never appear as such.

Source: Stockham 1966, AFIPS 28 (pieces that overlap); Mathieu, Henaff, LeCun 2014, arXiv 1312.5851 (layers).
"""

from dataclasses import dataclass
from functools import lru_cache, reduce
from math import prod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Tiles:
    """How one axis is cut into pieces that overlap by the reach of the kernel.

    Args:
        size: samples n of the input.
        taps: k of the kernel.
        padding: samples added on both sides, at most k - 1 where the mode is "zeros".
        count: pieces; one piece shares what is added at its two ends.
        circular: whether the input goes around in place of zeros.
    """

    size: int
    taps: int
    padding: int
    count: int = 1
    circular: bool = False

    @property
    def outputs(self) -> int:
        """n + 2p - k + 1."""
        return self.size + 2 * self.padding - self.taps + 1

    @property
    def step(self) -> int:
        """Outputs of a piece."""
        return -(-self.outputs // self.count)

    @property
    def _shares_ends(self) -> bool:
        whole = self.outputs == self.size if self.circular else self.padding < self.taps
        return self.count == 1 and whole

    @property
    def length(self) -> int:
        """Samples N of a piece."""
        if self._shares_ends:
            return self.size if self.circular else self.size + self.padding
        return self.step + self.taps - 1

    @property
    def shift(self) -> int:
        """Where the first tap is when the kernel makes the first output of a piece."""
        return -self.padding if self._shares_ends else 0

    @property
    def half(self) -> int:
        """Coefficients that real samples leave free."""
        return self.length // 2 + 1

    def samples(self) -> np.ndarray:
        """Which sample of the input is where in each piece, as zeros and ones [N, pieces, n]."""
        start = self.step * np.arange(self.count)[None, :] - (0 if self._shares_ends else self.padding)
        place = start + np.arange(self.length)[:, None]
        if self.circular:
            place = place % self.size
        return (place[..., None] == np.arange(self.size)).astype(np.float64)

    def forward(self, real: bool, last: bool) -> np.ndarray:
        """The matrix [coefficient · part · piece, part · sample] to the coefficients of every piece.

        Args:
            real: whether samples are real, so that half of the coefficients suffice; else a part for real, one for
                imaginary samples.
            last: whether coefficients come in three parts (sum of real and imaginary part, real, imaginary), as
                `kernel` has them, instead of two.
        """
        wave = np.exp(
            -2j * np.pi * np.outer(np.arange(self.half if real else self.length), np.arange(self.length)) / self.length
        )
        waves = np.einsum("fj,jtn->ftn", wave, self.samples())
        parts = (
            [waves.real, waves.imag] if real else [_joined(waves.real, -waves.imag), _joined(waves.imag, waves.real)]
        )
        if last:
            parts = [parts[0] + parts[1], *parts]
        found = np.stack(parts, axis=1)  # [coefficient, part, piece, part · sample]
        return found.reshape(-1, found.shape[-1])

    def taps_to(self, real: bool) -> np.ndarray:
        """exp(2πi f (t + shift) / N), the conjugate spectrum of each tap: [coefficient, tap], complex."""
        f, t = np.arange(self.half if real else self.length), np.arange(self.taps)
        return np.exp(2j * np.pi * np.outer(f, t + self.shift) / self.length)

    def back(self, real: bool, first: bool) -> np.ndarray:
        """The matrix [part · output, coefficient · part] from products of coefficients to the outputs of a piece.

        Args:
            real: whether the outputs are real.
            first: whether products come in three parts, A = (u + v) p, B = u (q - p) and C = v (q + p), which make
                (u + iv)(p + iq) = A - C + i (A + B).
        """
        f = np.arange(self.half if real else self.length)
        wave = np.exp(2j * np.pi * np.outer(np.arange(self.step), f) / self.length) / self.length
        if real:
            wave = wave * np.where((f == 0) | (2 * f == self.length), 1.0, 2.0)
        c, s = wave.real, wave.imag
        rows = [(c, -s)] if real else [(c, -s), (s, c)]  # of the real and the imaginary part of a coefficient
        if first:
            made = [np.stack([u + v, v, -u], axis=-1) for u, v in rows]
        else:
            made = [np.stack([u, v], axis=-1) for u, v in rows]
        return np.concatenate(made).reshape(len(made) * self.step, -1)


def _joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.concatenate([a, b], axis=-1)


def tiled_conv(
    x: Float[Tensor, "b c_in *space"], kernel: Float[Tensor, "c_out c_in *taps"], tiles: tuple[Tiles, ...]
) -> Float[Tensor, "b c_out *moved"]:
    """Convolve (correlate) as `torch.nn.functional.conv2d` does, through products of spectra.

    Args:
        x: the signal, float32 or float64.
        kernel: the kernel, in the dtype of x.
        tiles: of every axis.

    Returns:
        The convolution, channels last in memory.

    Law: the transform of a correlation is x̂(ξ) · conj k̂(ξ).

    Source: Mathieu, Henaff, LeCun 2014, arXiv 1312.5851.
    """
    d, batch, c_in, c_out = len(tiles), x.shape[0], x.shape[1], kernel.shape[0]
    work = _matrices(tiles, x.dtype)
    into, over, back = ([torch.from_numpy(m).to(x.device) for m in part] for part in work)

    # [coefficients, part · samples of this axis, samples of the axes before it, pieces, batch · channel]
    y = x.permute(*range(d + 1, 1, -1), 0, 1).reshape(1, x.shape[-1], -1)
    pieces = 1
    for axis in reversed(range(d)):
        t, matrix = tiles[axis], into[axis]
        y = torch.matmul(matrix, y)
        parts = 3 if axis == 0 else 2
        rest, before = prod(s.size for s in tiles[:axis]), y.shape[0] * (matrix.shape[0] // (parts * t.count))
        if t.count > 1 and axis > 0:
            y = y.reshape(before * parts, t.count, rest, -1).transpose(1, 2)
        pieces *= t.count
        y = y.reshape(before, -1, rest // tiles[axis - 1].size * pieces * batch * c_in) if axis > 0 else y
    taps = kernel.permute(*range(2, 2 + d), 1, 0).reshape(-1, c_in * c_out)
    spectrum = (over[0] @ taps).reshape(-1, c_in, c_out)
    y = torch.bmm(y.reshape(len(spectrum), pieces * batch, c_in), spectrum)

    done = 1  # outputs of the axes that are back
    for axis in range(d):
        t, matrix = tiles[axis], back[axis]
        parts = 1 if axis == d - 1 else 2
        y = torch.matmul(matrix, y.reshape(-1, matrix.shape[1], done * pieces * batch * c_out))
        y = y.reshape(-1, t.step, done, t.count, pieces // t.count * batch * c_out)
        if t.count > 1:
            y = y.permute(0, 3, 1, 2, 4)
        pieces //= t.count
        y = y.reshape(-1, t.count * t.step, done * pieces * batch * c_out)[:, : t.outputs]
        done *= t.outputs
    y = y.reshape(*[t.outputs for t in reversed(tiles)], batch, c_out)
    return y.permute(d, *reversed(range(d)), d + 1).contiguous().movedim(-1, 1)


@lru_cache(maxsize=256)
def _matrices(
    tiles: tuple[Tiles, ...], dtype: torch.dtype
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """To the coefficients along each axis, from taps to products [coefficient · part, taps], back along each axis."""
    d, kind = len(tiles), np.float64 if dtype == torch.float64 else np.float32
    into = [t.forward(a == d - 1, a == 0) for a, t in enumerate(tiles)]
    back = [t.back(a == d - 1, a == 0) for a, t in enumerate(tiles)]
    # coefficients are ordered by the last axis first, taps by the first
    waves = reduce(
        lambda later, earlier: np.einsum("fs,gt->fgts", later, earlier).reshape(len(later) * len(earlier), -1),
        [t.taps_to(a == d - 1) for a, t in reversed(list(enumerate(tiles)))],
    )
    p, q = waves.real, waves.imag
    over = np.stack([p, q - p, q + p], axis=1).reshape(3 * len(waves), -1)
    return _cast(into, kind), _cast([over], kind), _cast(back, kind)


def _cast(matrices: list[np.ndarray], kind: type) -> list[np.ndarray]:
    return [np.ascontiguousarray(matrix, kind) for matrix in matrices]
