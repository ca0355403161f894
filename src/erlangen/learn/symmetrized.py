"""What making a network equivariant from outside did to it: audits and scores, before and after."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from erlangen.adapt import Symmetrized
from erlangen.audit import Audit, audit
from erlangen.blueprint import Task
from erlangen.blueprint.mode import evaluating
from erlangen.errors import FieldError, RunError
from erlangen.learn.compare.poses import MOVED, UPRIGHT, judged, motions
from erlangen.learn.environment import environment
from erlangen.learn.folder import RunFolder
from erlangen.learn.metrics import output_tensor
from erlangen.learn.run import describe_data, describe_model

Scores = dict[str, dict[str, float]]
SHOWN = ("accuracy", "auc", "dice", "mse")


@dataclass(frozen=True)
class Symmetrization:
    """A network before and after it was symmetrised.

    Args:
        before: the audit of the network inside.
        after: the audit of the symmetrised one.
        scores: {"before": …, "after": …}, each {pose: {metric: value}} on the test data; empty without targets.
        cost: passes of the network inside, as declared.
        seconds: of one batch, before and after.
        words: what was done, in one line.
    """

    before: Audit
    after: Audit
    scores: dict[str, Scores]
    cost: float
    seconds: tuple[float, float]
    words: str

    def __iter__(self) -> Any:
        """The two audits: `before, after = symmetrized_report(…)`."""
        return iter((self.before, self.after))

    def describe(self) -> dict[str, Any]:
        """JSON-able numbers."""
        audits = {name: {"verdict": a.verdict, "max_error": a.max_error} for name, a in self._audits()}
        return {"words": self.words, "cost": self.cost, "seconds": self.seconds, "audit": audits, "scores": self.scores}

    def _audits(self) -> list[tuple[str, Audit]]:
        return [("before", self.before), ("after", self.after)]

    def __str__(self) -> str:
        keys = [k for k in SHOWN if any(k in s for both in self.scores.values() for s in both.values())]
        poses = [UPRIGHT, MOVED] if self.scores else []
        columns = [f"{k} {pose}" for k in keys for pose in poses]
        lines = [self.words, f"{'':8s}" + "".join(f"{c:>20s}" for c in columns) + f"{'error':>11s}  verdict"]
        for name, one in self._audits():
            found = self.scores.get(name, {})
            values = "".join(f"{_shown(k, found.get(pose, {})):>20s}" for k in keys for pose in poses)
            lines.append(f"{name:8s}{values}{one.max_error:>11.1e}  {one.verdict}")
        ratio = self.seconds[1] / max(self.seconds[0], 1e-9)
        lines.append(f"cost     ×{self.cost:g} passes of the network; measured ×{ratio:.1f} of its time")
        return "\n".join(lines)


def symmetrized_report(
    model: Symmetrized,
    data: Any,
    *,
    samples: int = 64,
    elements: int = 8,
    test: int = 2000,
    seed: int = 0,
    **options: Any,
) -> Symmetrization:
    """Audit a network before and after it was symmetrised, and score both on test data as they are and moved.

    Args:
        model: what `symmetrize` returned.
        data: a data set, a split, a batch or a signal; scores need a data set.
        samples: of the audits.
        elements: of the audits.
        test: how many test examples are scored.
        seed: of both.
        options: further arguments of `audit`. Layers, flows and small changes are left out unless they are asked for.

    Raises:
        FieldError: the model is not a symmetrised one.
    """
    if not isinstance(model, Symmetrized):
        raise FieldError(f"a {type(model).__name__} has no network inside. Fix: symmetrize(model, group) first")
    quick: dict[str, Any] = {"layers": False, "continuous": False, "stability": False, **options}
    fields = {"in_field": model.in_field, "out_field": model.out_field}
    both = [
        audit(net, data, samples=samples, elements=elements, seed=seed, **fields, **quick)
        for net in (model.model, model)
    ]
    words = f"{model.method} over {model.in_field.group}: {model.orbit.reason}"
    if model.assumed:
        words += f"; assumed: {'; '.join(model.assumed)}"
    scores = _scores(model, data, test, seed)
    return Symmetrization(both[0], both[1], scores, model.cost, _seconds(model, data, samples), words)


def _scores(model: Symmetrized, data: Any, test: int, seed: int) -> dict[str, Scores]:
    task = getattr(data, "task", None)
    split = getattr(data, "test", None)
    if not isinstance(task, Task) or not split:
        return {}
    if not hasattr(split, "nodes") and len(split) > test:
        split = split.subset(test, seed)
    among = [m for m in motions(model.in_field, task) if m.name == MOVED]
    return {name: judged(net, split, task, among) for name, net in (("before", model.model), ("after", model))}


@torch.no_grad()
def _seconds(model: Symmetrized, data: Any, samples: int) -> tuple[float, float]:
    """Seconds of one batch of the network inside and of the symmetrised one, at best of three."""
    split = getattr(data, "test", data)
    batch = split.batch(range(min(samples, len(split))))[0] if hasattr(split, "batch") else split
    found = []
    with evaluating(model):
        for net in (model.model, model):
            times = []
            for _ in range(3):
                start = time.perf_counter()
                output_tensor(net(batch))
                times.append(time.perf_counter() - start)
            found.append(min(times))
    return found[0], found[1]


def _shown(name: str, scores: "dict[str, float] | Sequence[float]") -> str:
    value = scores.get(name) if isinstance(scores, dict) else None
    if value is None:
        return "–"
    return f"{value:.4g}" if name == "mse" else f"{100 * value:.2f} %"


def keep_symmetrized(model: Symmetrized, folder: "str | Path", data: Any, found: Symmetrization, origin: str) -> Path:
    """Keep a symmetrised network as a run folder, which `Run.load` reads and every verb takes.

    Args:
        model: what `symmetrize` returned.
        folder: where it is kept; must hold no other run.
        data: the data set it is for.
        found: what `symmetrized_report` returned.
        origin: where the network inside came from, in words.

    Raises:
        RunError: the folder holds another run, or the network cannot be described in words.
    """
    if model.declaration is None:
        raise RunError(
            "a network that is symmetrised with a score of your own, or on channels without a name, cannot be kept in "
            "words. Fix: torch.save(model, path), or the default score."
        )
    task = getattr(model, "task", None) or data.task
    config = {
        "model": describe_model(model),
        "data": describe_data(data),
        "task": task.describe(),
        "symmetrized_from": origin,
    }
    files = RunFolder(Path(folder))
    files.open(config, fresh=False)
    files.describe(model, environment())
    scores = found.scores.get("after", {}).get(UPRIGHT, {})
    metrics = {f"test_{name}": value for name, value in scores.items()}
    if "accuracy" in scores:
        metrics["test_error"] = 1.0 - scores["accuracy"]
    rest = {"epochs": 0, "parameters": sum(p.numel() for p in model.parameters()), "weights": "symmetrised"}
    files.finish(model.state_dict(), {**metrics, **rest, "symmetrized": found.describe()})
    return files.path
