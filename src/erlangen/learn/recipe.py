"""Hyper-parameters of a training run, and one small table of defaults by domain and task."""

from dataclasses import asdict, dataclass, fields, replace
from math import inf
from typing import Any

from erlangen.blueprint.precision import MODES
from erlangen.errors import RunError, UnknownName

OPTIMIZERS = ("adamw", "adam", "sgd")
SCHEDULES = ("one-cycle", "constant")


@dataclass(frozen=True)
class Settings:
    """How to train.

    Args:
        epochs: passes over the training split; decides the length of the run if given.
        minutes: training time; decides the length of the run if given. One of the two is None.
        batch_size: examples a step.
        lr: peak learning rate.
        weight_decay: decay of the weights (decoupled for adamw, L2 for the others); biases and norms are left alone.
        optimizer: "adamw", "adam" or "sgd" (Nesterov momentum 0.9).
        schedule: "one-cycle" (linear warm-up, then a cosine to zero) or "constant" (after the warm-up).
        warmup: share of the run that warms up.
        clip: largest norm of the gradient; None leaves it alone.
        ema: decay of the running average of the weights that is evaluated and kept; 0 keeps the weights themselves.
        patience: epochs without improvement on the validation split before stopping; None trains to the end.
        augment: name of the augmentation of `erlangen.adapt`, or None.
        precision: mode of `erlangen.blueprint.precision`.
    """

    epochs: int | None = 30
    minutes: float | None = None
    batch_size: int = 64
    lr: float = 3e-3
    weight_decay: float = 0.01
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    warmup: float = 0.05
    clip: float | None = None
    ema: float = 0.0
    patience: int | None = None
    augment: str | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise UnknownName("optimizer", self.optimizer, OPTIMIZERS)
        if self.schedule not in SCHEDULES:
            raise UnknownName("schedule", self.schedule, SCHEDULES)
        if self.precision not in MODES:
            raise UnknownName("precision", self.precision, MODES)
        if (self.epochs is None) == (self.minutes is None):
            raise RunError("give the length of the run as epochs or as minutes, not both")
        bounds = {
            "epochs": (self.epochs, 1),
            "batch_size": (self.batch_size, 1),
            "patience": (self.patience, 1),
            "weight_decay": (self.weight_decay, 0),
        }
        for name, (value, least) in bounds.items():
            if value is not None and not least <= value < inf:
                raise RunError(f"{name} must be at least {least}, got {value}")
        for name, positive in {"minutes": self.minutes, "lr": self.lr, "clip": self.clip}.items():
            if positive is not None and not 0 < positive < inf:
                raise RunError(f"{name} must be positive, got {positive}")
        for name, share in {"warmup": self.warmup, "ema": self.ema}.items():
            if not 0 <= share < 1:
                raise RunError(f"{name} must lie in [0, 1), got {share}")

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON-able data."""
        return asdict(self)


IMAGES = {"epochs": 80, "batch_size": 64, "lr": 3e-3, "weight_decay": 0.05, "ema": 0.998}
LABELS = {"epochs": 40, "batch_size": 16, "lr": 2e-3, "ema": 0.998}
VECTORS = {"epochs": 200, "batch_size": 64, "lr": 3e-3, "weight_decay": 1e-4, "ema": 0.99}
STRANDS = {"epochs": 20, "batch_size": 32, "lr": 2e-3, "weight_decay": 0.05, "ema": 0.99}
TABLE: dict[tuple[str, str], dict[str, Any]] = {
    ("grid", "classify"): IMAGES,
    ("grid", "segment"): LABELS,
    ("hexagons", "classify"): IMAGES,
    ("hexagons", "segment"): LABELS,
    ("strand", "classify"): STRANDS,
    ("strand", "regress"): STRANDS,
    ("strand", "predict"): STRANDS,
    ("strand", "profile"): {**STRANDS, "epochs": 40, "lr": 4e-3},
    ("strand", "count"): STRANDS,
    ("strand", "segment"): STRANDS,
    ("point", "classify"): VECTORS,
    ("point", "regress"): VECTORS,
    ("point", "predict"): VECTORS,
    ("graph", "classify"): {"epochs": 100, "batch_size": 32, "lr": 5e-3, "weight_decay": 1e-3, "ema": 0.99},
    ("graph", "segment"): {
        "epochs": 200,
        "batch_size": 1,
        "lr": 1e-2,
        "weight_decay": 5e-4,
        "optimizer": "adam",
        "schedule": "constant",
        "warmup": 0.0,
    },
}
"""What differs from `Settings()`, by (domain, task)."""

DATA: dict[str, dict[str, Any]] = {
    "adrenal": {"batch_size": 16, "lr": 2e-3, "ema": 0.99},
    "hippocampus": {"epochs": 20, "batch_size": 2, "lr": 3e-3, "ema": 0.99},
    "phantom-tubes": {"epochs": 20, "batch_size": 2, "lr": 3e-3, "ema": 0.9},
}
"""What differs further for data sets of volumes, of which few fit into a batch."""

AUGMENT = dict.fromkeys(("mnist-rot", "mnist-rot-5k", "mnist-rot-hex", "mnist-rot-hex-5k"), "rotation")
"""Data sets whose law of generation includes a motion: the augmentation draws from the same law."""


def settings_for(domain: str, task: str, data: str = "", **given: Any) -> Settings:
    """The settings of a run: what is given, else those of the data set, else the table, else the defaults.

    Args:
        domain: name of the domain, such as "grid".
        task: name of the task, such as "classify".
        data: name of the data set, for its own settings and `augment="auto"`.
        given: fields of `Settings`; None means not given, except `augment=None`, which switches augmentation off.

    Raises:
        UnknownName: a setting, optimizer or schedule that does not exist.
        RunError: a value out of range.
    """
    known = [f.name for f in fields(Settings)]
    for name in given:
        if name not in known:
            raise UnknownName("setting", name, known)
    chosen = {k: v for k, v in given.items() if v is not None}
    base = replace(Settings(), **(TABLE.get((domain, task), {}) | DATA.get(data, {})))
    if "minutes" in chosen and "epochs" not in chosen:
        base = replace(base, epochs=None, minutes=chosen["minutes"])
    if given.get("augment", "auto") == "auto":
        chosen["augment"] = AUGMENT.get(data)
    elif given["augment"] in (None, "none"):
        chosen["augment"] = None
    return replace(base, **chosen)
