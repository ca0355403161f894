"""What does the trainer around a step cost? Milliseconds a step of a bare loop and of `fit`, on a tiny network.

    python benchmarks/training_loop.py

The network is so small that nearly all of the time is overhead: zeroing, optimiser, and for `fit` also the schedule,
the score, the checks for checkpoints and progress, and Lightning. What matters is the difference against a real step.
"""

import time
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import Classify
from erlangen.learn import fit

STEPS, EPOCHS, REAL_STEP_MS = 1000, 3, 10.0


class Split:
    """The same small batches again and again."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.signals = torch.randn(64 * STEPS, 8, generator=generator)
        self.targets = torch.randint(3, (64 * STEPS,), generator=generator)

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, indices: Any) -> tuple[Tensor, Tensor]:
        """Rows of the two tensors."""
        return self.signals[indices], self.targets[indices]


def network() -> nn.Module:
    """Two small linear maps."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))


def bare(split: Split) -> float:
    """The shortest loop that trains; the fastest epoch, in milliseconds a step."""
    model, task = network(), Classify(3)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    times = []
    for _ in range(EPOCHS):
        order = torch.randperm(len(split))
        start = time.perf_counter()
        for i in range(STEPS):
            signal, target = split.batch(order[64 * i : 64 * (i + 1)])
            task.loss(model(signal), target).backward()
            optimizer.step()
            optimizer.zero_grad()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times) / STEPS


def main() -> None:
    """Print one line a loop."""
    split = Split()
    data: Any = SimpleNamespace(
        name="noise", space=SimpleNamespace(name="grid"), task=Classify(3), train=split, validation=None, test=None
    )
    least = bare(split)
    print(f"bare loop            {least:.3f} ms a step ({torch.get_num_threads()} threads)")
    for label, ema in (("fit", 0.0), ("fit with average", 0.998)):
        run = fit(network(), data, epochs=EPOCHS, batch_size=64, ema=ema, precision="float32", progress=False)
        mine = 1e3 * min(row["seconds"] for row in run.history) / STEPS
        share = (mine - least) / REAL_STEP_MS
        print(
            f"{label:20} {mine:.3f} ms a step: {mine - least:.3f} ms more, {share:.1%} of a step of {REAL_STEP_MS:g} ms"
        )


if __name__ == "__main__":
    main()
