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
        heads = ("mean error [interval]", "worst") if network else ("distance [by chance]", "largest")
        rows = [("group", "elements", *heads, "under", "p", "verdict")]
        for g in found.groups:
            ends = "" if g.interval is None else f" [{number(g.interval[0])}, {number(g.interval[1])}]"
            tried = str(g.elements) if g.order is None else f"{g.elements} of {g.order - 1}"
            rows.append(
                (g.group, tried, number(g.error) + ends, number(g.worst), g.witness, f"{g.p_value:.3f}", g.verdict)
            )
        lines += ["", *aligned(rows)]
        lines.append(
            "  p: how often outputs of other samples lie as near"
            if network
            else "  p: how often chance gives such a distance (Bonferroni over the elements)"
        )
    return "\n".join([*lines, "", *(f"  note: {text}" for text in found.notes)]).rstrip()


def _algebra(hypothesis: str, algebra: Algebra) -> list[str]:
    what = ", ".join(algebra.names) or ("an algebra without a common name" if algebra.dimension else "nothing")
    lines = [f"  continuous, if the output {_says(hypothesis)}: dimension {algebra.dimension} of "
             f"{len(algebra.generators)}, {what}"]  # fmt: skip
    rows = [("generator", "response [interval]", "p", "symmetry")]
    for c in algebra.combinations[: algebra.dimension + SHOWN]:
        p = "-" if c.p_value is None else f"{c.p_value:.3f}"
        response = f"{number(c.response)} [{number(c.interval[0])}, {number(c.interval[1])}]"
        rows.append((algebra.words(c), response, p, "yes" if c.symmetry else "no"))
    lines += aligned(rows)
    if algebra.closed is not None and algebra.dimension > 1:
        lines.append(f"  commutators leave the symmetries by {number(algebra.closed)}")
    if algebra.unmoved:
        lines.append(f"  {algebra.unmoved} combinations do not move these data, so nothing is known about them")
    lines.append("  response: on samples it was not found on, beside random changes of the input of the same size;")
    lines.append("  p: share of random combinations that respond as little")
    return lines


def _says(hypothesis: str) -> str:
    return "stays" if hypothesis == "invariant" else hypothesis
