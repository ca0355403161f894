"""`Comparison`: the cells of a comparison, its table, its curves and its verdict."""

import json
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from statistics import mean
from typing import Any

from erlangen.errors import RunError
from erlangen.files import write_atomically
from erlangen.learn.checkpoint import read_json
from erlangen.learn.compare.arms import ARMS
from erlangen.learn.compare.poses import MOVED, TURNED, UPRIGHT
from erlangen.learn.compare.score import METRICS, chosen_metric
from erlangen.learn.compare.verdict import VERDICTS, Verdict, contrast_rows, judge

FORMAT = "erlangen-comparison-1"
PICTURES = (".svg", ".png", ".pdf")
PAGE_WRITERS: dict[str, Callable[[Path, str, Any], Path]] = {}
"""suffix -> what writes a page from (path, title, comparison); `erlangen.report`, a floor above, enters itself here."""


def check_ending(path: "str | Path") -> None:
    """Refuse a file name that says nothing about what to write.

    Raises:
        RunError: another suffix.
    """
    if not PAGE_WRITERS:
        import_module("erlangen.report")  # enters itself
    known = (".json", *PICTURES, *PAGE_WRITERS)
    if Path(path).suffix not in known:
        raise RunError(
            f"cannot save a comparison as {Path(path).name!r}. Fix: let the name end in one of {', '.join(known)}."
        )


class Comparison:
    """What `compare` returns and `Comparison.load` reads back.

    Args:
        plan: the declaration, JSON-able.
        arms: names of the arms to show.
        cells: the results of `run_cell`.
        metric: what to compare by; None: see `chosen_metric`.
        data: name of the data set.
        left_out: why arms are missing, by name.
        environment: versions and machine.

    Raises:
        RunError: there is no cell.
        UnknownName: the metric was not measured.
    """

    def __init__(
        self,
        plan: dict[str, Any],
        arms: "list[str] | tuple[str, ...]",
        cells: list[dict[str, Any]],
        metric: str | None = None,
        data: str = "these data",
        left_out: dict[str, str] | None = None,
        environment: dict[str, Any] | None = None,
    ) -> None:
        if not cells:
            raise RunError("a comparison without cells says nothing. Fix: run it first.")
        self.plan, self.cells, self.data = plan, cells, data
        self.left_out, self.environment = left_out or {}, environment or {}
        measured = {arm for cell in cells for arm in cell["scores"]}
        self.arms = [arm for arm in ARMS if arm in arms and arm in measured]
        self.sizes = sorted({cell["examples"] for cell in cells})
        self.seeds = sorted({cell["seed"] for cell in cells})
        self.group, self.judged = cells[0]["group"], int(cells[0]["judged"])
        first = next(iter(cells[0]["scores"].values()))
        self.poses = [pose for pose in (UPRIGHT, MOVED, TURNED) if pose in first]
        self.metric = chosen_metric(metric, first[UPRIGHT])

    # numbers

    def of(self, arm: str, examples: int | None = None) -> list[dict[str, Any]]:
        """The cells that an arm was judged in."""
        return [c for c in self.cells if arm in c["scores"] and examples in (None, c["examples"])]

    def scores(self, arm: str, pose: str, examples: int, metric: str | None = None) -> dict[int, float]:
        """{seed: score} of an arm at one number of training examples."""
        name = metric or self.metric
        found = {c["seed"]: c["scores"][arm][pose].get(name) for c in self.of(arm, examples)}
        return {seed: value for seed, value in found.items() if value is not None}

    def paired(self, first: str, second: str, pose: str, examples: int) -> "dict[int, tuple[float, float]] | None":
        """{seed: (score, score)} of two arms, of the seeds that have both; None if there is none."""
        a, b = self.scores(first, pose, examples), self.scores(second, pose, examples)
        return {seed: (a[seed], b[seed]) for seed in a if seed in b} or None

    def mean_score(self, arm: str, pose: str, examples: int | None = None) -> float:
        """Mean over seeds, and over the sizes if none is given."""
        sizes = self.sizes if examples is None else [examples]
        return mean(v for n in sizes for v in self.scores(arm, pose, n).values())

    @cached_property
    def verdict(self) -> Verdict:
        """What it says."""
        return judge(self)

    def rows(self) -> list[dict[str, Any]]:
        """The table: one row for every arm and number of training examples."""
        found = []
        for examples in self.sizes:
            for arm in self.arms:
                cells = self.of(arm, examples)
                if not cells:
                    continue
                row: dict[str, Any] = {"arm": arm, "examples": examples, "seeds": len(cells)}
                row |= {pose: list(self.scores(arm, pose, examples).values()) for pose in self.poses}
                for name in ("flips", "error"):
                    seen = self.scores(arm, MOVED, examples, name) if MOVED in self.poses else {}
                    row[name] = mean(seen.values()) if seen else None
                row["parameters"] = cells[0]["parameters"]
                row["epochs"] = mean(c["epochs"] for c in cells)
                row["minutes"] = mean(c["seconds"] for c in cells) / 60
                found.append(row)
        return found

    def curves(self) -> list[dict[str, Any]]:
        """Learning curves to draw: {"family", "pose", "x", "score", "low", "high", "seeds", "unit"}.

        `score` is the mean over seeds, `low` and `high` the smallest and the largest, `seeds` all of them. Intervals of
        single arms are not given: arms share seeds, so it is differences that have intervals (see `verdict`).
        """
        found = []
        for pose in self.poses:
            for arm in self.arms:
                points = [(n, list(self.scores(arm, pose, n).values())) for n in self.sizes]
                points = [(n, values) for n, values in points if values]
                found.append(
                    {
                        "family": arm,
                        "pose": pose,
                        "x": [n for n, _ in points],
                        "score": [mean(values) for _, values in points],
                        "low": [min(values) for _, values in points],
                        "high": [max(values) for _, values in points],
                        "seeds": [values for _, values in points],
                        "unit": "training examples",
                    }
                )
        return found

    # keeping

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON-able data."""
        return {
            "format": FORMAT,
            "data": self.data,
            "group": self.group,
            "metric": self.metric,
            "larger_is_better": METRICS[self.metric],
            "verdict": self.verdict.name,
            "words": list(self.verdict.sentences),
            "contrasts": contrast_rows(self.verdict),
            "curves": self.curves(),
            "table": self.rows(),
            "arms": {arm: ARMS[arm].words for arm in self.arms},
            "left_out": self.left_out,
            "plan": self.plan,
            "environment": self.environment,
            "cells": self.cells,
        }

    @classmethod
    def load(cls, path: "str | Path", metric: str | None = None) -> "Comparison":
        """Read a comparison.

        Args:
            path: the JSON file, or the folder that `compare` wrote it to.
            metric: what to compare by; None: as it was.

        Raises:
            RunError: the file is missing, damaged, or no comparison.
        """
        file = Path(path)
        file = file / "comparison.json" if file.is_dir() else file
        saved = read_json(file)
        if not isinstance(saved, dict) or saved.get("format") != FORMAT:
            raise RunError(f"{file} is no comparison. Fix: name the folder or the JSON file that compare wrote.")
        kept = {name: saved[name] for name in ("data", "left_out", "environment")}
        return cls(saved["plan"], list(saved["arms"]), saved["cells"], metric or saved["metric"], **kept)

    def save(self, path: "str | Path") -> Path:
        """Write the numbers (.json), the learning curves (.svg, .png, .pdf) or a page (.html).

        Returns:
            The path.

        Raises:
            RunError: another suffix.
            DataError: the file cannot be written; what was there is untouched.
        """
        target = Path(path)
        if target.suffix == ".json":
            return write_atomically(target, json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")
        if target.suffix in PICTURES:
            from erlangen.learn.compare.figure import draw

            return draw(self, target)
        check_ending(target)
        return PAGE_WRITERS[target.suffix](target, f"{self.group} on {self.data}", self)

    def __repr__(self) -> str:
        return f"Comparison({self.group} on {self.data}: {VERDICTS[self.verdict.name]}, {len(self.cells)} cells)"

    def __str__(self) -> str:
        from erlangen.learn.compare.table import table_text

        return f"{table_text(self)}\n\n{self.verdict}"
