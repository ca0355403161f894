"""All equivariant maps between two representations. The package itself can be called: `erlangen.solve(ρ_in, ρ_out)`."""

import sys
from types import ModuleType
from typing import Any

from erlangen.solve.certificate import Basis, Block, Certificate
from erlangen.solve.hom import invariants, solve, solve_bilinear
from erlangen.solve.kernel import KernelBasis, KernelSolution, kernel_basis, solve_kernel, stencil_permutation
from erlangen.solve.nullspace import Gap

__all__ = [
    "Basis",
    "Block",
    "Certificate",
    "Gap",
    "KernelBasis",
    "KernelSolution",
    "invariants",
    "kernel_basis",
    "solve",
    "solve_bilinear",
    "solve_kernel",
    "stencil_permutation",
]


class _Callable(ModuleType):
    """A module that answers to a call with its main function."""

    def __call__(self, *args: Any, **options: Any) -> Certificate:
        """`erlangen.solve.solve`."""
        return solve(*args, **options)


sys.modules[__name__].__class__ = _Callable
