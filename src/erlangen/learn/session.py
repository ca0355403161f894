"""A training run at one moment: everything that must survive a kill, and the step that moves it on."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import Task, precision
from erlangen.errors import RunError
from erlangen.learn.metrics import Score, evaluate, output_tensor
from erlangen.learn.optimise import Average, build_optimizer, learning_rate
from erlangen.learn.recipe import Settings

Augmentation = Callable[[Any, torch.Generator], Any]

clock = time.perf_counter  # of training; time.process_time on one thread leaves out what else the machine does


def stream(seed: int, *place: str | int) -> torch.Generator:
    """A random generator for one place of a run: it depends on seed and place alone, never on what came before."""
    digest = hashlib.blake2b(repr((seed, *place)).encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


class Session:
    """The moving state of a run: model, optimiser, average, clock, history, best weights.

    Args:
        model: the network to train, in place.
        data: a `Dataset`; its `train` split is learnt, its `validation` split, if any, chooses the weights.
        task: loss and metrics.
        settings: how to train.
        seed: decides the order of the data, the augmentation and the dropout.
        augment: `augment(signal, generator)`, or None; its method `targets(target, generator)` moves dense targets.

    Law: the state after step t depends on (initial weights, data, settings, seed, t) alone, so a run that was killed
    and resumed equals one that was not. (With `minutes` the learning rate follows the clock: runs differ a little.)
    """

    def __init__(
        self,
        model: nn.Module,
        data: Any,
        task: Task,
        settings: Settings,
        seed: int,
        augment: Augmentation | None = None,
    ) -> None:
        self.model, self.data, self.task, self.settings, self.seed, self.augment = (
            model,
            data,
            task,
            settings,
            seed,
            augment,
        )
        examples = len(data.train)
        if examples == 0:
            raise RunError(f"the training split of {data.name!r} is empty")
        # a last, smaller batch would be a noisier step; what it leaves out differs from epoch to epoch
        self.batches_per_epoch = max(1, examples // settings.batch_size)
        self.epoch = self.batch = self.step = 0
        self.seconds = self.epoch_seconds = self.wall = 0.0
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] | None = None
        self.stopped_early = False
        self.score = Score(task)
        self._mark, self._wall_mark = clock(), time.perf_counter()

    def prepare(self, state: dict[str, Any] | None = None) -> None:
        """Make the optimiser where the model now lives, and go on from a saved state if there is one."""
        self.optimizer = build_optimizer(self.model, self.settings)
        self.average = Average(self.model, self.settings.ema) if self.settings.ema else None
        self._device_type = self.device.type
        with precision(self.settings.precision, self._device_type):
            pass  # a cost table that is not known yet is measured here, outside the training time
        torch.manual_seed(self.seed)
        if state is not None:
            self._restore(state)
        self._wall_mark = time.perf_counter()

    # where the run is

    @property
    def fraction(self) -> float:
        """Share of the run that is over: of the steps if `epochs` was given, of the training time if `minutes` was."""
        if self.settings.minutes is not None:
            return min(1.0, self.seconds / (60.0 * self.settings.minutes))
        epochs = self.settings.epochs or 1  # one of epochs and minutes is always set
        return self.step / (epochs * self.batches_per_epoch)

    @property
    def over(self) -> bool:
        """Whether training has ended."""
        return self.stopped_early or self.fraction >= 1.0

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return next(self.model.parameters()).device

    def batches(self) -> Iterator[tuple[Any, Tensor]]:
        """What is left of this epoch, in the order that (seed, epoch) decides."""
        self.model.train()
        self.resume_clock()
        size, first = self.settings.batch_size, self.batch
        order = torch.randperm(len(self.data.train), generator=stream(self.seed, "order", self.epoch))
        for batch in range(first, self.batches_per_epoch):
            yield self.data.train.batch(order[batch * size : (batch + 1) * size])

    def resume_clock(self) -> None:
        """Leave out of the training time what happened since the last step (evaluation, saving)."""
        self._mark = clock()

    # moving on

    def train_step(self, signal: Any, target: Tensor) -> None:
        """One optimisation step on one batch."""
        rate = learning_rate(self.settings, self.fraction)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.augment is not None:
            place = ("augment", self.step)
            signal = self.augment(signal, stream(self.seed, *place))
            if self.task.dense or hasattr(self.augment, "targets"):  # the same draw moves the targets
                target = moved_targets(self.augment, target, stream(self.seed, *place))
        with precision(self.settings.precision, self._device_type):
            output = output_tensor(self.model(signal))
        loss = self.task.loss(output, target)
        loss.backward()
        if self.settings.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update()
        self.score.add(output, target, loss)
        self.step += 1
        self.batch += 1
        now = clock()
        self.seconds += now - self._mark
        self.epoch_seconds += now - self._mark
        self._mark = now

    def end_epoch(self) -> dict[str, Any]:
        """Close an epoch: score it, evaluate on the validation split, remember the best weights.

        Returns:
            One row of the history.

        Raises:
            RunError: the loss is not a number any more.
        """
        row: dict[str, Any] = {"epoch": self.epoch + 1, "step": self.step, **self.score.result()}
        if not torch.isfinite(torch.tensor(row.get("loss", 0.0))):
            raise RunError(
                f"the loss became {row['loss']} in epoch {self.epoch + 1} (lr {self.settings.lr}, precision "
                f"{self.settings.precision}). Fix: lower lr, set clip=1.0, or train with precision='float32'."
            )
        row["lr"] = self.optimizer.param_groups[0]["lr"]
        row["seconds"] = round(self.epoch_seconds, 4)
        if self.data.validation:
            self._validate(row)
        self.history.append(row)
        self.epoch, self.batch, self.epoch_seconds, self.score = self.epoch + 1, 0, 0.0, Score(self.task)
        patience = self.settings.patience
        if patience is not None and self.best is not None and self.epoch - self.best["epoch"] >= patience:
            self.stopped_early = True
        return row

    def _validate(self, row: dict[str, Any]) -> None:
        with self.averaged():
            scores = evaluate(
                self.model,
                self.data.validation,
                self.task,
                precision=self.settings.precision,
            )
            row |= {f"validation_{k}": v for k, v in scores.items()}
            value = [scores.get("dice", scores.get("accuracy", 0.0)), -scores["loss"]]
            if self.best is None or value > self.best["value"]:
                self.best = {"epoch": self.epoch + 1, "value": value, "weights": weights_of(self.model)}

    def averaged(self) -> AbstractContextManager[None]:
        """A `with` block in which the model holds the averaged weights, if there is an average."""
        return self.average.applied() if self.average is not None else nullcontext()

    def chosen_weights(self) -> tuple[dict[str, Tensor], str]:
        """The weights to keep, and in words which they are."""
        kind = f", averaged (EMA {self.settings.ema})" if self.average is not None else ""
        if self.best is not None:
            return self.best["weights"], f"best on validation (epoch {self.best['epoch']}){kind}"
        with self.averaged():
            return weights_of(self.model), f"last{kind}"

    # keeping

    def state_dict(self) -> dict[str, Any]:
        """All that `prepare` needs to go on from here."""
        self.tick_wall()
        places = ("epoch", "batch", "step", "seconds", "epoch_seconds", "wall", "history", "best", "stopped_early")
        state = {name: getattr(self, name) for name in places}
        state |= {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "score": self.score.totals,
        }
        state["average"] = None if self.average is None else self.average.state_dict()
        state["random"] = torch.get_rng_state()
        state["random_device"] = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        return state

    def _restore(self, state: dict[str, Any]) -> None:
        state = dict(state)
        self.model.load_state_dict(state.pop("model"))
        self.optimizer.load_state_dict(state.pop("optimizer"))
        self.score.totals = state.pop("score")
        average = state.pop("average")
        if self.average is not None and average is not None:
            self.average.load_state_dict(average)
        torch.set_rng_state(state.pop("random"))
        on_device = state.pop("random_device")
        if on_device is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(on_device, self.device)
        for name, value in state.items():
            setattr(self, name, value)

    def tick_wall(self) -> None:
        """Bring `wall` up to date: seconds of training, evaluation and saving together."""
        now = time.perf_counter()
        self.wall += now - self._wall_mark
        self._wall_mark = now


def moved_targets(augment: Augmentation, target: Tensor, generator: torch.Generator) -> Tensor:
    """Targets on the domain, moved as the signals were.

    Raises:
        RunError: the augmentation does not say how it moves targets.
    """
    move = getattr(augment, "targets", None)
    if move is None:
        raise RunError(
            f"{augment} moves signals but not the targets on their domain, so the two would no longer fit. "
            "Fix: augment=None, or give the augmentation a method targets(target, generator)."
        )
    return move(target, generator)


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the state of a model, on the CPU."""
    return {name: t.detach().to("cpu", copy=True) for name, t in model.state_dict().items()}
