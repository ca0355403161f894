"""Graphs: say that molecules have no order of atoms, and the network that does not see one follows.

Derives a classifier for MUTAG, trains it on one fold, proves that it ignores the order of atoms and bonds, and shows
what happens to a network that does not: one that reads the atoms in a row.

    python examples/molecules.py --epochs 60
"""

import argparse

import torch
from torch import nn

import erlangen as eg


class InARow(nn.Module):
    """A network that reads the atoms one after the other, and so depends on their order."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.read = nn.GRU(channels, 32, batch_first=True)
        self.head = nn.Linear(32, classes)

    def forward(self, signal: eg.Signal) -> torch.Tensor:
        """One row of logits a molecule."""
        sizes = signal.on.graph_ptr.diff().tolist()
        last = [self.read(atoms[None])[1][-1, 0] for atoms in signal.x.split(sizes)]
        return self.head(torch.stack(last))


def main() -> None:
    """Train and audit both."""
    parser = argparse.ArgumentParser(description="a derived graph classifier on MUTAG")
    parser.add_argument("--epochs", type=int, default=60)
    arguments = parser.parse_args()
    data = eg.data.load("mutag", fold=0)
    print(data.summary())
    torch.manual_seed(0)
    derived = eg.derive(data.field(), data.task)
    print(derived.plan)
    for model in (derived, InARow(data.channels, 2)):
        run = eg.fit(model, data, epochs=arguments.epochs, progress=False)
        print(f"\n{type(model).__name__}: test accuracy {100 * run.metrics['test_accuracy']:.1f} %")
        print(eg.audit(run.model, data.test, in_field=data.field()))


if __name__ == "__main__":
    main()
