"""Every error the library raises: what is wrong, where, which law it breaks, and the fix.

All inherit from `ErlangenError`, and from the builtin exception a caller would expect, so both `except ErlangenError`
and `except ValueError` work.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class ErlangenError(Exception):
    """Base of every error raised on purpose by erlangen. All of them survive pickling, as worker processes need."""

    def __reduce__(self) -> tuple[object, ...]:  # the default calls __init__ with the finished message
        return type(self).__new__, (type(self), *self.args), self.__dict__


class FieldError(ErlangenError, ValueError):
    """A signal, channel count or chain of layers does not fit the declared fields."""


class NoEquivariantMap(ErlangenError, ValueError):
    """dim Hom_G(ρ_in, ρ_out) = 0: the layer would be constantly zero."""

    def __init__(self, in_type: object, out_type: object, hint: str) -> None:
        super().__init__(
            f"no equivariant linear map exists from {in_type} to {out_type}: dim Hom_G = 0, so the layer would be "
            f"constantly zero. Fix: {hint}."
        )


class GapError(ErlangenError, ArithmeticError):
    """Generators that do not decide which maps are equivariant: singular values neither zero nor clearly not."""


class TooLarge(ErlangenError, MemoryError):
    """A computation that would need more memory than there is; the message estimates how much."""


class NonlinearityError(ErlangenError, ValueError):
    """A nonlinearity that does not commute with the representation of its field."""


class DomainError(ErlangenError, ValueError):
    """A group or a size that the domain does not have."""


class ExactnessError(DomainError):
    """A configuration (stride, padding, kernel, size) that silently breaks the symmetry, refused."""


class EquivarianceError(ErlangenError, AssertionError):
    """An audit found more error than the caller allows."""


class LawError(EquivarianceError):
    """A module broke laws of the conformance suite `erlangen.testing`; `laws` names them."""

    def __init__(self, law: str, module: object, text: str) -> None:
        self.laws: tuple[str, ...] = (law,)
        super().__init__(f"{type(module).__name__} breaks the law {law!r}: {text}")

    @classmethod
    def together(cls, failures: "list[LawError]") -> "LawError":
        """One error that names every broken law."""
        error = cls.__new__(cls, "\n".join(str(failure) for failure in failures))
        error.laws = tuple(law for failure in failures for law in failure.laws)
        return error


class DataError(ErlangenError, OSError):
    """A data set that is unknown, unreachable, damaged or unreadable."""


class RunError(ErlangenError, RuntimeError):
    """A training run that cannot start, go on or be read: other settings, damaged folder, diverged loss."""


class MissingExtra(ErlangenError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed. Fix: pip install 'erlangen[{extra}]'.")


class UnknownName(ErlangenError, LookupError):
    """A name that is not in a catalogue; the message lists the nearest known ones."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        names = list(known)
        near = get_close_matches(str(name).lower(), [n.lower() for n in names], n=1, cutoff=0.5)
        guess = next((n for n in names if near and n.lower() == near[0]), None)
        text = f"unknown {kind} {name!r}. Known: {', '.join(names)}."
        super().__init__(text + (f" Did you mean {guess!r}?" if guess else ""))

    def __str__(self) -> str:  # LookupError subclasses print their repr otherwise
        return str(self.args[0])
