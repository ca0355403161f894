"""Uniform (Haar) random elements of the compact classical groups, exactly and many at once.

The QR decomposition of a Gaussian matrix is uniform once the diagonal of R is made positive.

Source: F. Mezzadri, How to generate random matrices from the classical compact groups, Notices AMS 54 (2007), 592-604.
"""

from collections.abc import Callable

import numpy as np
import torch


def orthogonal(count: int, n: int, generator: torch.Generator | None = None) -> np.ndarray:
    """Uniform elements of O(n), [count, n, n] float64."""
    gaussian = torch.randn(count, n, n, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(gaussian)
    signs = torch.where(torch.diagonal(r, dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(q)
    return (q * signs[:, None, :]).numpy()


def special_orthogonal(count: int, n: int, generator: torch.Generator | None = None) -> np.ndarray:
    """Uniform elements of SO(n), [count, n, n] float64: those of O(n), with the first column turned by det."""
    q = orthogonal(count, n, generator)
    q[:, :, 0] *= np.sign(np.linalg.det(q))[:, None]
    return q


def unitary(count: int, n: int, generator: torch.Generator | None = None) -> np.ndarray:
    """Uniform elements of U(n), [count, n, n] complex128."""
    gaussian = torch.randn(count, n, n, 2, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(torch.view_as_complex(gaussian))
    diagonal = torch.diagonal(r, dim1=-2, dim2=-1)
    return (q * (diagonal / diagonal.abs())[:, None, :]).numpy()


def special_unitary(count: int, n: int, generator: torch.Generator | None = None) -> np.ndarray:
    """Uniform elements of SU(n), [count, n, n] complex128: those of U(n), with the first column divided by det."""
    q = unitary(count, n, generator)
    q[:, :, 0] /= np.linalg.det(q)[:, None]
    return q


SAMPLERS: dict[str, Callable[[int, int, torch.Generator | None], np.ndarray]] = {
    "O": orthogonal,
    "SO": special_orthogonal,
    "U": unitary,
    "SU": special_unitary,
}
