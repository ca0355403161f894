"""The rule that decides whether a strided layer keeps the symmetry about the centre of the grid.

A window of reach d(k-1)+1 that steps by s over n samples padded by p on both sides samples positions symmetric about
the centre iff (n + 2p - d(k-1) - 1) mod s = 0.
"""

from numbers import Integral

from erlangen.errors import DomainError


def stride_remainder(n: int, padding: int, dilation: int, kernel: int, stride: int) -> int:
    """(n + 2p - d(k-1) - 1) mod s; the layer is exact about the centre iff it is 0."""
    return (n + 2 * padding - dilation * (kernel - 1) - 1) % stride


def spread(value: "int | tuple[int, ...] | list[int]", d: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One number for every axis, or the numbers as given, checked.

    Raises:
        DomainError: the wrong number of values, or one below `least`.
    """
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * d
    whole = [int(v) for v in values if isinstance(v, Integral) and not isinstance(v, bool) and v >= least]
    if len(values) != d or len(whole) != d:
        raise DomainError(f"{name} needs one integer >= {least}, or {d} of them, got {value!r}")
    return tuple(whole)
