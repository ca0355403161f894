"""Gates for continuous integration: what of an audit passes, under a largest error, a baseline, or both."""

from dataclasses import dataclass
from pathlib import Path

from erlangen.audit.baseline import TOLERANCE, Baseline, baseline_of, layer_errors, read_baseline
from erlangen.audit.result import Audit
from erlangen.errors import EquivarianceError

STEADY = "the same input twice, the same sample in other company"


@dataclass(frozen=True)
class Check:
    """One question to an audit, and whether it passes.

    Args:
        kind: "family", "layer" or "network".
        name: of the family or the layer.
        error: relative error; None if it was not measured.
        limit: largest error that passes; None if this is no part of the gate.
        passed: whether it does.
        text: why not, with the remedy; or why it is no part of the gate.
    """

    kind: str
    name: str
    error: float | None
    limit: float | None
    passed: bool
    text: str = ""


def checks(audit: Audit, max_error: float | None = None, baseline: Baseline | None = None) -> tuple[Check, ...]:
    """Every family, the network as a function, and every layer.

    Args:
        audit: what was measured.
        max_error: largest relative error of a declared family; None takes the limit of "exact" in this precision,
            unless there is a baseline, which then decides alone.
        baseline: what each family and each layer had before.

    A layer fails if it is worse than its baseline, or if it is guilty of a family that fails.

    Raises:
        DataError: the baseline was measured under other settings.
    """
    if baseline is not None:
        baseline.check_settings(audit)
    absolute = max_error is not None or baseline is None
    limit = float(audit.settings["exact_limit"]) if max_error is None else max_error
    amplified = max_error is None and audit.verdict == "exact"  # rounding, as float64 has shown
    found = []
    for f in audit.families:
        if not f.declared:
            found.append(Check("family", f.name, f.worst, None, True, "no part of the declared symmetry"))
            continue
        old = baseline.limit("family", f.name) if baseline else None
        bounds = [b for b in (limit if absolute else None, old) if b is not None]
        passed = amplified or f.worst <= min(bounds, default=float("inf"))
        words = "" if passed else f"{f.worst_action} on sample {f.worst_sample}"
        found.append(Check("family", f.name, f.worst, min(bounds, default=None), passed, words))
    own = max(audit.steady.repeat, audit.steady.company or 0.0)
    bounds = [limit] * absolute + ([baseline.limit("network", STEADY)] if baseline else [])
    unsteady = audit.steady.words(min(bounds))
    found.append(Check("network", STEADY, own, min(bounds), unsteady is None, unsteady or ""))
    failed = absolute and any(not c.passed for c in found)
    return (*found, *_layers(audit, baseline, failed))


def _layers(audit: Audit, baseline: Baseline | None, failed: bool) -> list[Check]:
    own = layer_errors(audit)
    found = []
    for name, rows in _by_name(audit).items():
        culprits = [row for row in rows if row.culprit]
        error = own[name] if culprits else max((r.intrinsic for r in rows if r.intrinsic is not None), default=None)
        old = baseline.limit("layer", name) if baseline else None
        worse = old is not None and own[name] > old
        passed = not worse and not (failed and culprits)
        text = "; ".join(f"{r.cause}. Fix: {r.remedy}" for r in culprits) if not passed else ""
        if error is None:
            text = next((r.note for r in rows if r.note), "not measured")
        found.append(Check("layer", name, error, old, passed, text))
    return found


def _by_name(audit: Audit) -> dict[str, list]:
    """The rows of each layer; a layer that is used twice has two."""
    found: dict[str, list] = {}
    for row in audit.layers:
        found.setdefault(row.name, []).append(row)
    return found


def require_baseline(audit: Audit, baseline: Baseline) -> None:
    """Raise if anything is worse than its baseline.

    Args:
        audit: what was measured.
        baseline: what was measured before.

    Raises:
        EquivarianceError: names what got worse, from what to what, with cause and remedy.
        DataError: the baseline was measured under other settings.
    """
    worse = [c for c in checks(audit, None, baseline) if not c.passed]
    if not worse:
        return
    lines = [f"{c.kind} {c.name}: {c.error or 0.0:.2g}, passes up to {c.limit or 0.0:.2g}. {c.text}" for c in worse[:6]]
    more = f"\n  and {len(worse) - 6} more" if len(worse) > 6 else ""
    raise EquivarianceError(
        f"{audit.model} keeps {audit.group} less well than its baseline:\n  " + "\n  ".join(lines) + more + "\n"
        "Fix: repair it; or, if it is meant to be so, delete the baseline file and write it again."
    )


def hold_baseline(audit: Audit, path: "str | Path", update: bool = False, tolerance: float = TOLERANCE) -> list[str]:
    """Compare with the baseline in a file, and tighten it if asked.

    Args:
        audit: what was measured.
        path: the file.
        update: whether to write the file where it is missing, and to tighten it where the audit is better. What is
            worse fails all the same and leaves the file alone: to loosen it, delete it and write it again.
        tolerance: share of an error by which it may grow unnoticed.

    Returns:
        What was gained or written, in words.

    Raises:
        EquivarianceError: a family or a layer is worse than its baseline.
        DataError: the file is missing, damaged, of other settings, or cannot be written.
    """
    path = Path(path)
    if update and not path.exists():
        baseline_of(audit).save(path)
        return [f"{path} written"]
    old = read_baseline(path, tolerance)
    require_baseline(audit, old)
    gains = old.gains(audit)
    if update:
        old.tightened(audit).save(path)
    elif gains:
        gains.append(f"--update-baseline keeps {'these' if len(gains) > 1 else 'this'}")
    return gains
