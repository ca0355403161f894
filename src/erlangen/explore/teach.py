"""A little training in the background, while the page goes on showing the network."""

import copy
import threading
import time
from typing import Any

import torch
from torch import nn

from erlangen.adapt.augment import augmentation
from erlangen.explore.scene import Scene

BATCH, RATE, SHOW_EVERY = 16, 4e-3, 1.0


class Lesson:
    """Trains a copy of a network, and puts its weights into the network about once a second.

    Args:
        model: the network that is shown.
        scene: where examples come from.
        group: name of the group whose transformations the examples go through; None for none.
    """

    def __init__(self, model: nn.Module, scene: Scene, group: str | None) -> None:
        self.model, self.scene = model, scene
        self.augment = (
            None if group in (None, "C1") else augmentation(scene.augment or str(group), scene.space, scene.field)
        )
        self.lock = threading.Lock()
        self.version = self.steps = 0
        self.loss: float | None = None
        self.right: float | None = None
        self._ends = 0.0
        self._thread: threading.Thread | None = None
        self._halt = threading.Event()

    def start(self, seconds: float) -> None:
        """Train for so many seconds more; a lesson that runs is made longer."""
        with self.lock:
            if self._thread is not None and self._thread.is_alive():
                self._ends = time.monotonic() + seconds
            else:
                self._halt.clear()
                self._thread = threading.Thread(target=self._run, args=(seconds,), daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the training, and wait for it."""
        self._halt.set()
        if self._thread is not None:
            self._thread.join(timeout=10.0)

    def progress(self) -> dict[str, Any]:
        """Steps, loss, share of right answers on the last batches, and seconds that are left."""
        running = self._thread is not None and self._thread.is_alive()
        left = max(0.0, self._ends - time.monotonic()) if running else 0.0
        return {
            "running": running,
            "steps": self.steps,
            "loss": self.loss,
            "right": self.right,
            "left": round(left, 1),
            "version": self.version,
        }

    def _run(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        twin = copy.deepcopy(self.model).train()
        optimiser = torch.optim.Adam(twin.parameters(), RATE)
        generator = torch.Generator().manual_seed(self.steps)
        shown = time.monotonic()
        self._ends = shown + seconds  # the first optimiser of a process takes seconds to import
        while time.monotonic() < self._ends and not self._halt.is_set():
            x, y = self.scene.train(BATCH, generator)
            if self.augment is not None:
                x = self.augment(x, generator)
            with torch.enable_grad():
                output = twin(x)
                loss = self.scene.task.loss(output, y)
                optimiser.zero_grad()
                loss.backward()
            optimiser.step()
            right = float((output.argmax(1) == y).float().mean())
            loss = loss.detach()
            self.loss = float(loss) if self.loss is None else 0.9 * self.loss + 0.1 * float(loss)
            self.right = right if self.right is None else 0.9 * self.right + 0.1 * right
            self.steps += 1
            if time.monotonic() - shown > SHOW_EVERY:
                self._show(twin)
                shown = time.monotonic()
        self._show(twin)

    def _show(self, twin: nn.Module) -> None:
        with self.lock:
            self.model.load_state_dict(twin.state_dict())
            self.version += 1
