"""Lightning drives the session: devices and epochs are its part, the step is ours (manual optimisation, the leaner)."""

import logging
import signal as signals
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as lightning
import torch

from erlangen.learn.session import Session


class Learner(lightning.LightningModule):
    """Adapter: one Lightning step is one `Session.train_step`.

    Args:
        session: the run.
        state: a saved state to go on from.
        on_step: called after every step.
        on_epoch: called with the row of every epoch.
    """

    def __init__(
        self,
        session: Session,
        state: dict[str, Any] | None,
        on_step: Callable[[], None],
        on_epoch: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model = session.model
        self.session, self.state, self.on_step, self.on_epoch = session, state, on_step, on_epoch

    def on_fit_start(self) -> None:
        """The model is on its device now: make the optimiser there."""
        self.session.prepare(self.state)
        self.state = None
        if self.session.over:
            self.trainer.should_stop = True

    def training_step(self, batch: tuple[Any, torch.Tensor], index: int) -> None:
        """One step of the session."""
        self.session.train_step(*batch)
        self.on_step()
        if self.session.settings.minutes is not None and self.session.over:
            self.trainer.should_stop = True

    def on_train_epoch_end(self) -> None:
        """Close the epoch."""
        if self.session.batch:
            self.on_epoch(self.session.end_epoch())
        if self.session.over:
            self.trainer.should_stop = True

    def configure_optimizers(self) -> None:
        """None: the session holds the optimiser."""


class Epochs:
    """An iterable that Lightning walks through once an epoch."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __iter__(self) -> Iterator[tuple[Any, torch.Tensor]]:
        return self.session.batches()


def drive(
    session: Session,
    state: dict[str, Any] | None,
    on_step: Callable[[], None],
    on_epoch: Callable[[dict[str, Any]], None],
    accelerator: str = "auto",
) -> None:
    """Train until the session is over.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    handler = signals.getsignal(signals.SIGINT)
    with _quiet():
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=1,
            max_epochs=-1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            limit_val_batches=0,
        )
        try:
            trainer.fit(Learner(session, state, on_step, on_epoch), Epochs(session))
        except SystemExit as end:
            # Lightning turns Ctrl-C into an exit and switches further ones off; give both back to the caller
            if isinstance(end.__context__, KeyboardInterrupt):
                signals.signal(signals.SIGINT, handler)
                raise KeyboardInterrupt from end
            raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's advertisements and hints; its errors still come through."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
