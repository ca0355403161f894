"""A finished run: the trained model, its data, its numbers and its folder."""

from pathlib import Path
from typing import Any

from torch import nn

from erlangen.blueprint import Network, Task, network_from, task_from
from erlangen.errors import RunError
from erlangen.learn.checkpoint import load_weights, read_json
from erlangen.learn.folder import RunFolder


class Run:
    """What `fit` returns and `Run.load` reads back.

    Args:
        model: the trained model, in evaluation mode.
        data: the data set it was trained on; None loads it again, by name, when it is asked for.
        folder: where the run was kept, or None.
        metrics: the result: test_accuracy, test_error, parameters, multiplications, epochs, seconds_per_epoch, …
        history: one row an epoch.
        config: the whole declaration of the run.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Any,
        folder: Path | None,
        metrics: dict[str, Any],
        history: list[dict[str, Any]],
        config: dict[str, Any],
    ) -> None:
        self.model, self.folder, self.metrics, self.history, self.config = model, folder, metrics, history, config
        self._data = data

    @property
    def data(self) -> Any:
        """The data set of the run.

        Raises:
            RunError: the run was loaded and its data set is not in the catalogue.
        """
        if self._data is None:
            self._data = load_data(self.config["data"])
        return self._data

    @property
    def task(self) -> Task:
        """What the model was trained for."""
        return task_from(self.config["task"])

    @classmethod
    def load(cls, folder: str | Path, *, model: nn.Module | None = None, data: Any = None) -> "Run":
        """Read a finished run: derive the network again from its declaration and put the weights in.

        Args:
            folder: the run folder.
            model: the module, for a run whose model was not derived; its weights are overwritten.
            data: the data set; None loads it by name when it is asked for.

        Raises:
            RunError: the folder is missing, damaged or unfinished, or its model was not derived and none was given.
        """
        path = Path(folder)
        if not path.is_dir():
            raise RunError(f"there is no run folder {path}. Fix: train first: erlangen train … --out {path}")
        config = read_json(path / "config.json")
        files = RunFolder(path)
        if not files.finished:
            raise RunError(f"the run in {path} is not finished. Fix: run the same training again, it resumes.")
        try:
            declaration = config["model"]
            model = build_model(declaration, path, model)
        except (KeyError, TypeError) as error:
            raise RunError(f"{files.file('config')} is damaged: {error!r} is missing or of a wrong kind") from error
        fill(model, load_weights(files.file("weights")), path)
        return cls(model.eval(), data, path, read_json(files.file("result")), files.read_history(), config)

    def export(self, path: str | Path) -> list[Path]:
        """Write the model as plain torch; see `erlangen.learn.export`."""
        from erlangen.learn.export import export

        return export(self, path)

    def __repr__(self) -> str:
        score = next(
            (f"{k} {v:.4g}" for k, v in self.metrics.items() if k in ("test_accuracy", "test_mse")), "no test split"
        )
        where = f", {self.folder}" if self.folder else ""
        return f"Run({score}, {self.metrics['epochs']:g} epochs, {self.metrics['parameters']:,} parameters{where})"


def fill(model: nn.Module, weights: dict[str, Any], where: Path) -> None:
    """Put saved weights into a model.

    Raises:
        RunError: names or shapes do not fit.
    """
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"the weights of {where} do not fit {type(model).__name__}: {error}") from error


def build_model(declaration: dict[str, Any], path: Path, model: nn.Module | None = None) -> nn.Module:
    """The model that `describe_model` described.

    Args:
        declaration: its words.
        path: the run folder, for messages.
        model: the module, or of a symmetrised one the module inside, where it was not derived.

    Raises:
        RunError: it was not derived, and none was given.
    """
    from erlangen.adapt import Symmetrized, symmetrized_from

    if "symmetrized" in declaration and not isinstance(model, Symmetrized):
        return symmetrized_from(declaration["symmetrized"], build_model(declaration["model"], path, model))
    if model is not None:
        return model
    if "module" in declaration:
        raise RunError(
            f"the model of {path} is a {declaration['module']}, which was not derived, so it cannot be "
            "built from the folder. Fix: Run.load(folder, model=that_module()), or --model file.py:name."
        )
    return network_from(declaration)


def describe_model(model: nn.Module) -> dict[str, Any]:
    """The declaration of a derived network, and of a symmetrised one; the class and the shapes of any other module."""
    if isinstance(model, Network):
        return model.declaration
    symmetrized, inside = getattr(model, "declaration", None), getattr(model, "model", None)
    if symmetrized is not None and isinstance(inside, nn.Module):
        return {"symmetrized": symmetrized, "model": describe_model(inside)}
    kind = type(model)
    shapes = {name: list(t.shape) for name, t in model.state_dict().items()}
    return {"module": f"{kind.__module__}.{kind.__qualname__}", "shapes": shapes}


def describe_data(data: Any) -> dict[str, Any]:
    """What must be the same for a run to go on: name, options, sizes and hashes of a data set."""
    provenance = getattr(data, "provenance", None) or {}
    files = provenance.get("files") or []
    sizes = {part: len(split) if split is not None else 0 for part, split in splits_of(data).items()}
    content = None if files else provenance.get("sha256")  # of data of one's own
    return {
        "name": data.name,
        "asked": provenance.get("asked", data.name),
        "options": provenance.get("options") or {},
        "sizes": sizes,
        "sha256": sorted(str(f.get("sha256")) for f in files if isinstance(f, dict)) + ([content] if content else []),
    }


def splits_of(data: Any) -> dict[str, Any]:
    """{"train", "validation", "test"}."""
    return {part: getattr(data, part, None) for part in ("train", "validation", "test")}


def load_data(description: dict[str, Any]) -> Any:
    """Load a data set again from `describe_data`.

    Raises:
        RunError: it is not in the catalogue.
    """
    from erlangen.data import load
    from erlangen.errors import UnknownName

    try:
        return load(description["asked"], **description["options"])
    except UnknownName as error:
        raise RunError(
            f"the data of this run cannot be loaded by name: {error} Fix: Run.load(folder, data=…)."
        ) from error
