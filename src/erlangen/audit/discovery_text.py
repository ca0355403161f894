"""A discovery as readable text."""

from erlangen.audit.algebra import Algebra
from erlangen.audit.discovery import Discovery
from erlangen.audit.text import aligned, number

SHOWN = 4  # combinations beyond the symmetries


def discovery_text(found: Discovery) -> str:
    """The tables that print."""
    lines = [f"{found.subject} on {found.domain}, {found.samples} samples: {', '.join(found.symmetries) or 'nothing'}"]
    for hypothesis, algebra in found.algebras.items():
        lines += ["", *_algebra(hypothesis, algebra)]
    if found.groups:
        network = found.subject != "data"
        heads = ("error [interval]", "worst", "beside others") if network else ("distance [by chance]", "largest")
        rows = [("group", "elements", *heads, "at", "p", "verdict")]
        for g in found.groups:
            ends = "" if g.interval is None else f" [{number(g.interval[0])}, {number(g.interval[1])}]"
            tried = str(g.elements) if g.order is None else f"{g.elements} of {g.order - 1}"
            values = (number(g.error) + ends, number(g.worst), *([number(g.apart)] if network else []))
            rows.append((g.group, tried, *values, g.witness, _p(g.p_value), g.verdict))
        lines += ["", *aligned(rows)]
        lines.append(
            "  p: how often outputs of other samples lie as near (times the number of groups)"
            if network
            else "  p: how often chance gives such a distance (Holm, over all elements of all groups)"
        )
    return "\n".join([*lines, "", *(f"  note: {text}" for text in found.notes)]).rstrip()


def _algebra(hypothesis: str, algebra: Algebra) -> list[str]:
    says = "stays" if hypothesis == "invariant" else hypothesis
    what = ", ".join(algebra.labels) or "nothing"
    lines = [f"  continuous, if the output {says}: dimension {algebra.dimension} of {len(algebra.generators)}: {what}"]
    if algebra.basis:
        lines.append(f"  basis: {'; '.join(algebra.words(v) for v in algebra.basis)}")
    rows = [("combination", "response [interval]", "p", "of inputs", "symmetry")]
    for c in algebra.combinations[: algebra.dimension + SHOWN]:
        response = f"{number(c.response)} [{number(c.interval[0])}, {number(c.interval[1])}]"
        holds = f"≥ {c.share:.0%}" if c.symmetry else "-"
        rows.append((algebra.words(c.coefficients), response, _p(c.p_value), holds, "yes" if c.symmetry else "no"))
    lines += aligned(rows)
    if algebra.gap is not None:
        kept, rest = (number(value) for value in algebra.gap)
        lines.append(f"  gap: symmetries respond by {kept} or less, others by {rest} or more")
    if algebra.closed is not None and algebra.dimension > 1:
        lines.append(f"  commutators leave the symmetries by {number(algebra.closed)}")
    if algebra.unmoved:
        lines.append(f"  {algebra.unmoved} combinations do not move these data, so nothing is known about them")
    lines.append("  response: on samples it was not found on, beside random changes of the input of the same size;")
    lines.append(f"  p: of the test that it is {number(algebra.tolerance)} or more (times the number of tests)")
    return lines


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
