"""Learning curves of the arms: score against training examples, one panel a pose of the test examples."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlangen.files import write_atomically
from erlangen.learn.compare.score import in_words

if TYPE_CHECKING:
    from erlangen.learn.compare.result import Comparison

STYLE = {  # arm -> colour (Okabe and Ito's, which the colour-blind tell apart), dashes, marker
    "plain": ("#777777", "-", "o"),
    "augmented": ("#0072B2", "-", "s"),
    "symmetrised": ("#777777", "--", "o"),
    "augmented+symmetrised": ("#0072B2", "--", "s"),
    "derived": ("#D55E00", "-", "D"),
    "derived+augmented": ("#CC79A7", "-", "^"),
}
TITLES = {"upright": "test examples as they are", "moved": "moved by {group}", "turned": "turned by any angle"}


def draw(found: "Comparison", path: Path) -> Path:
    """Draw a comparison.

    Args:
        found: what to draw.
        path: ends in .svg, .png or .pdf.

    Returns:
        The path.
    """
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "erlangen", "svg.fonttype": "none", "font.size": 10}):
        from matplotlib.figure import Figure

        columns = len(found.poses)
        figure = Figure(figsize=(3.6 * columns + 0.6, 3.9), layout="constrained")
        axes = figure.subplots(1, columns, sharex=True, sharey=True, squeeze=False)[0]
        panel = _dots if len(found.sizes) == 1 else _lines
        for axis, pose in zip(axes, found.poses, strict=True):
            panel(axis, found, pose)
            axis.set_title(TITLES[pose].format(group=found.group), fontsize=10)
            axis.grid(True, axis="x" if panel is _dots else "both", color="#dddddd", linewidth=0.6)
            axis.spines[["top", "right"]].set_visible(False)
        label = in_words(found.metric)
        if panel is _lines:
            axes[0].set_ylabel(label)
            handles, names = axes[0].get_legend_handles_labels()
            figure.legend(handles, names, loc="outside lower center", ncols=min(3, len(names)), frameon=False)
        else:
            figure.supxlabel(label, fontsize=10)
        seeds = f"{len(found.seeds)} {'seeds' if len(found.seeds) != 1 else 'seed'}"
        figure.suptitle(f"{found.group} on {found.data}: mean of {seeds}, each a dot", fontsize=11)
        content = io.BytesIO()
        figure.savefig(content, format=path.suffix[1:], dpi=150, metadata=_undated(path))
    return write_atomically(path, content.getvalue())


def _lines(axis: Any, found: "Comparison", pose: str) -> None:
    curves = [c for c in found.curves() if c["pose"] == pose]
    for i, curve in enumerate(curves):
        colour, dashes, marker = STYLE[curve["family"]]
        aside = [n * 1.025 ** (i - (len(curves) - 1) / 2) for n in curve["x"]]  # so that seeds do not hide each other
        look = {"color": colour, "linestyle": dashes, "marker": marker, "linewidth": 1.6}
        axis.plot(aside, curve["score"], mfc=_fill(curve), markersize=5, label=curve["family"], zorder=3, **look)
        for place, values in zip(aside, curve["seeds"], strict=True):
            axis.scatter([place] * len(values), values, s=7, color=colour, alpha=0.45, linewidths=0, zorder=2)
    axis.set_xscale("log")
    axis.set_xticks(found.sizes, [f"{n:,}" for n in found.sizes])
    axis.minorticks_off()
    axis.set_xlabel("training examples")


def _dots(axis: Any, found: "Comparison", pose: str) -> None:
    for curve in (c for c in found.curves() if c["pose"] == pose):
        colour, _, marker = STYLE[curve["family"]]
        place, values = len(found.arms) - found.arms.index(curve["family"]), curve["seeds"][0]
        axis.plot(curve["score"], [place], color=colour, marker=marker, mfc=_fill(curve), linestyle="", zorder=3)
        axis.scatter(values, [place - 0.22] * len(values), s=9, color=colour, alpha=0.5, linewidths=0, zorder=2)
    axis.set_yticks([len(found.arms) - i for i in range(len(found.arms))], found.arms)
    axis.set_ylim(0.4, len(found.arms) + 0.6)


def _fill(curve: dict[str, Any]) -> str:
    """Averaged networks have hollow marks."""
    return "white" if curve["family"].endswith("symmetrised") else STYLE[curve["family"]][0]


def _undated(path: Path) -> dict[str, Any]:
    """Metadata without a date, so that the same numbers give the same file."""
    return {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
