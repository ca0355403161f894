"""An audit as readable text."""

from erlangen.audit.result import Audit, guilt
from erlangen.audit.summary import FamilyResult


def audit_text(audit: Audit) -> str:
    """The summary that prints."""
    s = audit.settings
    lines = [
        f"{audit.model} on {audit.domain}, declared symmetry {audit.group}: {audit.verdict.upper()}",
        f"  worst relative error {number(audit.max_error)} (exact up to {s['exact_limit']:.0e} in {s['dtype']}, "
        f"approximate up to {s['approximate_limit']:g})" + _witness(audit),
        f"  {s['samples_in_words']}, {s['source']}, seed {s['seed']}; intervals: {s['confidence']:.0%}",
        "",
        *_table(audit),
        "",
    ]
    if audit.accuracy is not None:
        lines.append(f"  accuracy without motion {audit.accuracy:.1%}")
    culprits = audit.culprits
    if culprits:
        lines.append(f"  guilty {'layer' if len(culprits) == 1 else 'layers'}:")
        for row in culprits[:8]:
            lines.append(f"    {row.name} ({row.kind})  {number(guilt(row))}  {row.cause}")
            lines.append(f"      fix: {row.remedy}")
        if len(culprits) > 8:
            lines.append(f"    and {len(culprits) - 8} more")
    else:
        lines.append(f"  guilty layers: {audit.guilty}")
    if audit.classes is not None:
        lines += [
            f"  classes: {found.words()}" for found in (*audit.classes.look_alikes, *audit.classes.transitions[:3])
        ]
    lines += [f"  note: {text}" for text in audit.notes]
    lines += [f"  assumed: {text}" for text in audit.assumed]
    return "\n".join(lines)


def number(value: float | None) -> str:
    """An error with two digits, "3.1e-07" or "0.31"; "-" for none."""
    if value is None:
        return "-"
    return f"{value:.2g}" if value == 0 or value >= 1e-3 else f"{value:.1e}"


def share(value: float | None) -> str:
    """A share in percent; "-" for none."""
    return "-" if value is None else f"{value:.1%}"


def error_with_interval(family: FamilyResult) -> str:
    """The mean error with its confidence interval."""
    if family.interval is None:
        return number(family.error)
    return f"{number(family.error)} [{number(family.interval[0])}, {number(family.interval[1])}]"


def _witness(audit: Audit) -> str:
    if "action" not in audit.witness:
        return ""
    return f", under {audit.witness['action']} on sample {audit.witness['sample']}"


def _table(audit: Audit) -> list[str]:
    rows = [("family", "actions", "mean error [interval]", "worst", "floor", "flips", "accuracy", "verdict")]
    for f in audit.families:
        name = f.name + (" *" if f.declared else "")
        mean = error_with_interval(f)
        accuracy = share(f.accuracy)
        rows.append((name, str(f.actions), mean, number(f.worst), number(f.floor), share(f.flips), accuracy, f.verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, "  * the verdict rests on these families; the floor is the error of interpolation alone"]
