"""A baseline with a ratchet: the errors of each family and each layer in a file, which only ever shrink."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erlangen.audit.result import Audit, guilt
from erlangen.errors import DataError, EquivarianceError
from erlangen.files import write_atomically

FORMAT = "erlangen-baseline-1"
SETTINGS = ("dtype", "samples", "elements", "seed")
TOLERANCE = 0.1  # of the old error: what other machines, threads and versions may change
FIX = "give another path, or make the folder writable"


@dataclass(frozen=True)
class Baseline:
    """What an audit measured before.

    Args:
        model: name of the network's class.
        group: the declared group.
        settings: dtype, samples, elements and seed, without which errors cannot be compared.
        exact: largest error that counts as rounding; smaller ones are kept as 0.
        families: worst relative error of each declared family.
        layers: error of each layer that was guilty; 0 for the others.
        network: difference of the network from itself, under no motion.
        tolerance: share of an error by which it may grow unnoticed.
    """

    model: str
    group: str
    settings: dict[str, Any]
    exact: float
    families: dict[str, float]
    layers: dict[str, float]
    network: float = 0.0
    tolerance: float = TOLERANCE

    def limit(self, kind: str, name: str) -> float:
        """Largest error that passes: the old one and the tolerance, or rounding; what is new must be exact.

        Args:
            kind: "family", "layer" or "network".
            name: of it.
        """
        old = {"family": self.families, "layer": self.layers}.get(kind, {}).get(name, 0.0)
        old = self.network if kind == "network" else old
        return max(self.exact, old * (1 + self.tolerance))

    def check_settings(self, audit: Audit) -> None:
        """Raise a `DataError` if the audit cannot be compared with this baseline."""
        new = baseline_of(audit, finite=False)
        pairs = [("group", self.group, new.group), *((k, self.settings.get(k), new.settings[k]) for k in SETTINGS)]
        other = [f"{name} {old} there, {now} here" for name, old, now in pairs if old != now]
        if other:
            raise DataError(
                f"the baseline of {self.model} cannot be compared with this audit: {'; '.join(other)}. "
                f"Fix: audit with the same settings, or delete the baseline and write it again."
            )

    def tightened(self, audit: Audit) -> "Baseline":
        """The smaller error of both for everything that the audit measured; what is gone is left out.

        Args:
            audit: one that passes; where it is better by less than the tolerance the old error stays.
        """
        new = baseline_of(audit)
        return Baseline(
            new.model,
            new.group,
            new.settings,
            new.exact,
            {name: self._lower(self.families.get(name), value) for name, value in new.families.items()},
            {name: self._lower(self.layers.get(name), value) for name, value in new.layers.items()},
            self._lower(self.network, new.network),
            self.tolerance,
        )

    def _lower(self, old: float | None, new: float) -> float:
        return new if old is None or new * (1 + self.tolerance) < old else old

    def gains(self, audit: Audit) -> list[str]:
        """What is better than the baseline by more than the tolerance, in words."""
        new = self.tightened(audit)
        pairs = [("family", self.families, new.families), ("layer", self.layers, new.layers)]
        return [
            f"{kind} {name}: {old[name]:.2g} to {now[name]:.2g}"
            for kind, old, now in pairs
            for name in now
            if name in old and now[name] < old[name]
        ]

    def save(self, path: Path) -> Path:
        """Write the file in one step, unless it says the same already.

        Raises:
            DataError: it cannot be written; the old one is untouched.
        """
        content = {"format": FORMAT, "model": self.model, "group": self.group, "settings": self.settings}
        content |= {"exact": self.exact, "families": self.families, "layers": self.layers, "network": self.network}
        text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return path
        return write_atomically(path, text, FIX)


def baseline_of(audit: Audit, finite: bool = True) -> Baseline:
    """The errors of an audit as a baseline, rounded up to three digits.

    Args:
        audit: what was measured.
        finite: whether to refuse infinite errors.

    Raises:
        EquivarianceError: an error is infinite, which nothing could be worse than.
    """
    exact = float(audit.settings["exact_limit"])
    families = {f.name: _kept(f.worst, exact) for f in audit.families if f.declared}
    if audit.verdict == "exact":  # whatever is left is rounding
        families = dict.fromkeys(families, 0.0)
    layers = {name: _kept(error, exact) for name, error in layer_errors(audit).items()}
    network = _kept(max(audit.steady.repeat, audit.steady.company or 0.0), exact)
    if finite and not all(math.isfinite(e) for e in (*families.values(), *layers.values(), network)):
        raise EquivarianceError(
            f"the audit of {audit.model} has infinite errors, which make no baseline. Fix: see the notes of the audit "
            f"for where they come from, and repair that first."
        )
    settings = {name: audit.settings[name] for name in SETTINGS}
    return Baseline(audit.model, audit.group, settings, exact, families, layers, network)


def layer_errors(audit: Audit) -> dict[str, float]:
    """Error of each layer that is guilty, 0 for the others; the worst use of a layer that is used twice."""
    found: dict[str, float] = {}
    for row in audit.layers:
        found[row.name] = max(found.get(row.name, 0.0), guilt(row) if row.culprit else 0.0)
    return found


def _kept(error: float, exact: float) -> float:
    """Rounded up to three digits; 0 for rounding."""
    if error <= exact or not math.isfinite(error):
        return 0.0 if error <= exact else error
    unit = 10.0 ** (math.floor(math.log10(error)) - 2)
    return float(f"{math.ceil(error / unit - 1e-9) * unit:.3g}")


def read_baseline(path: "str | Path", tolerance: float = TOLERANCE) -> Baseline:
    """Read a file that `Baseline.save` wrote.

    Args:
        path: the file.
        tolerance: share of an error by which it may grow unnoticed.

    Raises:
        DataError: it is missing, damaged, or something else.
    """
    path = Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.get("format") != FORMAT:
            raise DataError(f"{path} is not a baseline of an audit ({FORMAT}). Fix: name another file.")
        families, layers = ({str(k): float(v) for k, v in found[key].items()} for key in ("families", "layers"))
        names = str(found["model"]), str(found["group"])
        settings, exact, network = dict(found["settings"]), float(found["exact"]), float(found["network"])
        return Baseline(*names, settings, exact, families, layers, network, tolerance)
    except FileNotFoundError as error:
        raise DataError(
            f"there is no baseline {path}. Fix: --update-baseline (in Python: update_baseline=True) writes one."
        ) from error
    except DataError:  # of the lines above
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Fix: name a file.") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path} is damaged: {type(error).__name__}: {error}. Fix: delete it and write it again."
        ) from error
