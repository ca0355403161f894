"""An audit as readable text."""

from collections.abc import Sequence

from erlangen.audit.lie import Derivative
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
        *_derivatives(audit),
        *_stability(audit),
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


def error_with_interval(found: "FamilyResult | Derivative") -> str:
    """The mean error with its confidence interval."""
    if found.interval is None:
        return number(found.error)
    return f"{number(found.error)} [{number(found.interval[0])}, {number(found.interval[1])}]"


def _witness(audit: Audit) -> str:
    if "action" not in audit.witness:
        return ""
    return f", under {audit.witness['action']} on sample {audit.witness['sample']}"


def _table(audit: Audit) -> list[str]:
    rows = [("family", "actions", "mean error [interval]", "worst", "floor", "flips", "same", "accuracy", "verdict")]
    for f in audit.families:
        name = f.name + (" *" if f.declared else "")
        mean = error_with_interval(f)
        shares = (share(f.flips), share(f.consistency), share(f.accuracy))
        rows.append((name, str(f.actions), mean, number(f.worst), number(f.floor), *shares, f.verdict))
    return [
        *aligned(rows),
        "  * the verdict rests on these; floor: the error of interpolation alone; same: one class under two motions",
    ]


def _derivatives(audit: Audit) -> list[str]:
    """The Lie derivatives, with the layer that adds most to each."""
    if not audit.derivatives:
        return []
    rows = [("derivative", "per", "‖Lf‖/‖f‖ [interval]", "worst", "input", "mostly from")]
    for d in audit.derivatives:
        parts = [c for c in audit.contributions if c.generator == d.generator]
        most = max(parts, key=lambda c: c.contribution, default=None)
        where = "-" if most is None else f"{most.layer} ({most.kind}) {number(most.contribution)}"
        rows.append((d.generator, d.unit, error_with_interval(d), number(d.worst), number(d.input), where))
    return [
        "",
        *aligned(rows),
        "  Lf: how fast f(g·x) leaves g·f(x) per unit of motion; input: how fast x itself moves",
    ]


def _stability(audit: Audit) -> list[str]:
    """The constants of stability, and what survives of the output at coarser scales."""
    rows = [("small change", "slope [interval]", "constant", "floor", "flips", "at size")]
    for c in audit.stability:
        ends = "" if c.slope_interval is None else f" [{number(c.slope_interval[0])}, {number(c.slope_interval[1])}]"
        floor = None if c.floor is None else c.floor[-1]
        flips = share(None if c.flips is None else c.flips[-1])
        size = f"{c.x[-1]:g} {c.unit}"
        rows.append((c.family, f"{number(c.slope)}{ends}", number(c.constant), number(floor), flips, size))
    lines = ["", *aligned(rows), "  slope: relative change of the output by size; floor, flips: at the largest size"]
    if audit.scales is not None:
        found = zip(audit.scales.x, audit.scales.survives, strict=True)
        parts = [f"{f'{s:.0%}' if s > 0 else 'nothing'} at {x:g}" for x, s in found]
        lines.append(f"  of the output survives, seen through cells of so many {audit.scales.unit}: {', '.join(parts)}")
    return lines if audit.stability else []


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of a table, one below the other."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
