"""`fit`: train a model on a data set, keep everything, and go on after an interruption."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from erlangen.allocator import freed_memory_kept
from erlangen.blueprint import Network, Task
from erlangen.errors import RunError
from erlangen.learn.environment import environment
from erlangen.learn.folder import RunFolder
from erlangen.learn.metrics import evaluate
from erlangen.learn.progress import Progress
from erlangen.learn.recipe import settings_for
from erlangen.learn.run import Run, describe_data, describe_model, fill
from erlangen.learn.session import Augmentation, Session

EPOCH_GAP = 2.0  # seconds: epochs shorter than this share a checkpoint


def fit(
    model: nn.Module,
    data: Any,
    *,
    seed: int = 0,
    out: str | Path | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weight_decay: float | None = None,
    precision: str = "auto",
    augment: str | None = "auto",
    patience: int | None = None,
    progress: bool = True,
    fresh: bool = False,
    task: Task | None = None,
    checkpoint_seconds: float = 30.0,
    accelerator: str = "auto",
    **more: Any,
) -> Run:
    """Train a model.

    The same call on the same folder goes on where a killed run stopped, and returns a finished one at once.

    Args:
        model: a derived `Network`, or any `nn.Module` from signals to outputs; trained in place.
        data: a `Dataset`: `train`, and if it has them `validation` and `test`.
        seed: decides the order of the data, the augmentation and the dropout; not the weights the model came with.
        out: the run folder; None keeps nothing.
        epochs: length of the run in passes over the training split.
        minutes: length of the run in minutes of training (not of evaluation and saving); the learning rate follows it.
        batch_size: examples a step.
        lr: peak learning rate.
        weight_decay: decay of the weights.
        precision: mode of `erlangen.blueprint.precision`: "auto", "float32" or "bfloat16".
        augment: name for `erlangen.adapt.augmentation` ("rotation", or a group: "D1", "RC"); "auto" augments the data
            sets that call for it; None does not.
        patience: epochs without improvement on the validation split before stopping.
        progress: show a bar on a terminal, one line an epoch elsewhere.
        fresh: forget an earlier run in the folder.
        task: what the outputs mean; None takes the model's own, else the data set's.
        checkpoint_seconds: the state is saved this often within an epoch; and after epochs, at most every two seconds.
        accelerator: where to train: "auto" (a GPU if there is one), "cpu", "cuda".
        more: other fields of `Settings`: optimizer, schedule, warmup, clip, ema.

    Returns:
        The run. `run.model` holds the best weights on the validation split, if there is one, else the last ones
        (`run.metrics["weights"]` says which).

    Raises:
        RunError: the folder holds a run with other settings, another process trains in it, nothing can be trained, or
            the loss diverged.
        DataError: a file cannot be written; what was there is untouched.
        UnknownName: a setting that does not exist.

    Law: for a given number of epochs, seed, machine and number of threads the result is the same, bit for bit.
    """
    own: Any = getattr(model, "task", None)
    task = task or own or data.task
    chosen = {"epochs": epochs, "minutes": minutes, "batch_size": batch_size, "lr": lr, "weight_decay": weight_decay}
    settings = settings_for(
        data.space.name, task.name, data.name, **chosen, patience=patience, precision=precision, augment=augment, **more
    )
    if settings.patience is not None and not data.validation:
        raise RunError(f"patience needs a validation split, and {data.name!r} has none. Fix: leave patience out.")
    session = Session(model, data, task, settings, seed, _augmentation(settings.augment, data, task))
    config = {
        "format": 1,
        "model": describe_model(model),
        "data": describe_data(data),
        "task": task.describe(),
        "settings": settings.to_dict(),
        "seed": seed,
    }
    if out is None:
        _train(session, None, None, progress, checkpoint_seconds, accelerator)
        return _finish(session, None, config)
    folder = RunFolder(Path(out))
    with folder.lock():
        state = folder.open(config, fresh)
        if folder.finished:
            if progress:
                print(f"{folder.path} holds this run, finished: nothing to train (fresh=True, --fresh starts over)")
            return Run.load(folder.path, model=model, data=data)
        folder.describe(model, environment() | {"seed": seed, "data": getattr(data, "provenance", None)})
        folder.write_history(state["history"] if state else [])
        _train(session, state, folder, progress, checkpoint_seconds, accelerator)
        return _finish(session, folder, config)


def _augmentation(name: str | None, data: Any, task: Task) -> Augmentation | None:
    if name is None:
        return None
    from erlangen.adapt import augmentation

    # the data's own task says how its targets move; a network without the symmetry may declare them as scalars
    return augmentation(name, data.space, getattr(data, "field", None), getattr(data, "task", task))


def _train(
    session: Session,
    state: dict[str, Any] | None,
    folder: RunFolder | None,
    show: bool,
    checkpoint_seconds: float,
    accelerator: str,
) -> None:
    """Run the loop with progress and checkpoints around it."""
    from erlangen.learn.loop import drive

    progress = Progress(session, show)
    if show and state is not None and folder is not None:
        print(f"going on from {folder.path}: epoch {state['epoch'] + 1}, step {state['step']}", flush=True)
    saved_at = time.perf_counter()

    def save() -> None:
        nonlocal saved_at
        if folder is not None:
            folder.save(session.state_dict())
            session.resume_clock()
            saved_at = time.perf_counter()

    def on_step() -> None:
        progress.step()
        if time.perf_counter() - saved_at >= checkpoint_seconds:
            save()

    def on_epoch(row: dict[str, Any]) -> None:
        progress.epoch(row)
        if folder is not None:
            folder.add_row(row, first=len(session.history) == 1)
        if session.over or time.perf_counter() - saved_at >= min(EPOCH_GAP, checkpoint_seconds):
            save()

    try:
        rng = torch.random.fork_rng(devices=range(torch.cuda.device_count()))
        with rng, _deterministic(), freed_memory_kept():
            drive(session, state, on_step, on_epoch, accelerator)
    except KeyboardInterrupt:
        if show and folder is not None:
            print(f"stopped; the same command goes on from {folder.path}", flush=True)
        raise
    finally:
        progress.close()


def _finish(session: Session, folder: RunFolder | None, config: dict[str, Any]) -> Run:
    """Choose the weights, test them, write the result."""
    model, settings = session.model, session.settings
    weights, label = session.chosen_weights()
    fill(model, weights, folder.path if folder else Path("memory"))
    model.eval()
    metrics: dict[str, Any] = {}
    if session.data.test:
        with _deterministic():
            scores = evaluate(model, session.data.test, session.task, precision=settings.precision)
        metrics |= {f"test_{k}": v for k, v in scores.items()}
        if "accuracy" in scores:
            metrics["test_error"] = 1.0 - scores["accuracy"]
    last = session.history[-1]
    metrics |= {f"train_{k}": last[k] for k in ("loss", "accuracy", "mse", "mae") if k in last}
    kept = session.history[session.best["epoch"] - 1] if session.best else {}
    metrics |= {k: kept[k] for k in kept if k.startswith("validation_")}
    epochs = session.step / session.batches_per_epoch
    session.tick_wall()
    metrics |= {
        "epochs": round(epochs, 3),
        "steps": session.step,
        "seconds": round(session.seconds, 3),
        "seconds_per_epoch": round(session.seconds / epochs, 4),
        "wall_seconds": round(session.wall, 3),
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiplications": model.plan.multiplications if isinstance(model, Network) else None,
        "weights": label,
        "stopped_early": session.stopped_early,
        "precision": settings.precision,
        "seed": session.seed,
    }
    if folder is not None:
        folder.finish(weights, metrics)
    return Run(model, session.data, folder.path if folder else None, metrics, session.history, config)


@contextmanager
def _deterministic() -> Iterator[None]:
    """Deterministic algorithms where torch has a choice, and the old setting afterwards."""
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    deterministic: Any = torch.utils.deterministic  # its switch is a property of the module, unknown to type checkers
    fill_memory = deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    # filling fresh memory guards against reads of it, which no layer here does, and costs a pass over every buffer
    deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        deterministic.fill_uninitialized_memory = fill_memory
