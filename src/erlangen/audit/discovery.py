"""What `discover` found."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from erlangen.audit.algebra import Algebra
from erlangen.audit.scan import Found
from erlangen.errors import FieldError
from erlangen.files import write_atomically

FORMAT = "erlangen-discovery-1"
LEVEL = 0.05


@dataclass(frozen=True)
class Discovery:
    """The symmetries that were found.

    Args:
        subject: the class of the network, or "data".
        domain: what the input was taken to live on.
        samples: how many.
        seed: of their choice and of every test.
        algebras: hypothesis about the output ("invariant" or "moves like the input") → continuous symmetries.
        groups: the groups that were tried one by one, smallest first.
        notes: what was assumed, and what could not be tried.
    """

    subject: str
    domain: str
    samples: int
    seed: int
    algebras: dict[str, Algebra]
    groups: tuple[Found, ...]
    notes: tuple[str, ...]

    @property
    def symmetries(self) -> tuple[str, ...]:
        """Names of all that hold: continuous ones; groups that are exact and no accident; for data, those not rejected.

        A continuous symmetry without a name is written as the combination of generators that makes it.
        """
        several = len(self.algebras) > 1
        names = [
            f"{label} (output {hypothesis})" if several else label
            for hypothesis, algebra in self.algebras.items()
            for label in algebra.labels
        ]
        return (*dict.fromkeys(names), *(g.group for g in self.groups if self._holds(g)))

    def _holds(self, found: Found) -> bool:
        by_accident = found.p_value is not None and found.p_value > LEVEL
        return found.verdict == "not rejected" or (found.verdict == "exact" and not by_accident)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able data."""
        return {"format": FORMAT, "symmetries": list(self.symmetries), **asdict(self)}

    def save(self, path: "str | Path") -> Path:
        """Write `to_dict` to a .json file.

        Raises:
            FieldError: another suffix.
            DataError: the file cannot be written.
        """
        target = Path(path)
        if target.suffix != ".json":
            raise FieldError(f"cannot save a discovery as {target.name!r}. Fix: let the name end in .json.")
        return write_atomically(target, json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")

    def __repr__(self) -> str:
        return f"Discovery({self.subject} on {self.domain}: {', '.join(self.symmetries) or 'nothing'})"

    def __str__(self) -> str:
        from erlangen.audit.discovery_text import discovery_text

        return discovery_text(self)
