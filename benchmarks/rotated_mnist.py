"""Rotated MNIST: does a derived C4 network beat an ordinary CNN in equal minutes, and how far is it from 0.95 % error?

12,000 training and 50,000 test images, the library's default recipe (80 epochs, random rotations, bfloat16 where it is
faster), one seed; then the same recipe without the symmetry (group C1, the same channel widths, so four times the
parameters) for as many minutes as the first took. Finished runs are read back from their folders.

    python benchmarks/rotated_mnist.py --out runs

The first line is the same as `erlangen train --data mnist-rot --group C4 --out runs/rot`, the second as
`erlangen train --data mnist-rot --group C1 --minutes 14.89 --out runs/rot-plain`.

Last run (two cores of a Xeon with AMX, torch 2.13.0; the two trainings are the two `erlangen train` commands):

    group  parameters  multiplications  epochs  minutes  test error  worst error under C4  flip rate
    C4        151,482       85,577,216      80     14.9      0.90 %               9.4e-07      0.0 %
    C1        605,898       85,578,656      79     14.9      1.19 %               7.8e-01      0.5 %
"""

import argparse
from pathlib import Path

import torch

import erlangen as eg


def main() -> None:
    """Train both arms, audit them, print the table."""
    parser = argparse.ArgumentParser(description="a derived C4 network against an ordinary CNN in equal minutes")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data = eg.data.load("mnist-rot")
    print(data.summary(), flush=True)
    minutes = None
    rows = []
    for name, group in (("rot", "C4"), ("rot-plain", "C1")):
        torch.manual_seed(arguments.seed)
        net = eg.derive(data.field(group), data.task, "small")
        run = eg.fit(net, data, seed=arguments.seed, minutes=minutes, out=arguments.out / name)
        minutes = minutes or round(run.metrics["seconds"] / 60, 2)
        audit = eg.audit(run.model, data.test, in_field=data.field("C4"), samples=256)
        m = run.metrics
        rows.append(
            f"| {group} | {m['parameters']:,} | {m['multiplications']:,} | {m['epochs']:.0f} | {m['seconds'] / 60:.1f} "
            f"| {100 * m['test_error']:.2f} % | {audit.max_error:.1e} | {100 * (audit.flip_rate or 0):.1f} % |"
        )
    print("| group | parameters | multiplications | epochs | minutes | test error | worst error under C4 | flip rate |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
