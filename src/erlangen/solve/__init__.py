"""All equivariant maps between two representations."""

from erlangen.solve.kernel import KernelBasis, kernel_basis, stencil_permutation

__all__ = ["KernelBasis", "kernel_basis", "stencil_permutation"]
