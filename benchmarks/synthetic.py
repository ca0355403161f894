"""How well does each network learn a function with a symmetry, and how long does it take? EMLP's three experiments.

    python benchmarks/synthetic.py --peer /path/to/python/with/emlp --json synthetic.json --figure synthetic.svg

The functions and the distributions of their inputs are those of Finzi, Welling and Wilson 2021 (arXiv 2104.09459, §7.1)
as their package writes them: an O(5)-invariant scalar of two vectors, the inertia tensor of five masses under O(3), and
the electron-muon matrix element of four momenta under O(1, 3).

    erlangen    the derived network, `derive(Point().field(group, rep), task)`, size "small"
    emlp        EMLP, 3 layers, 384 channels, in its own interpreter (emlp_arm.py)
    mlp         3 layers of 384 channels, swish: the baseline of the same paper
    augmented   the same, every batch moved by fresh random elements of the group

Settings of the authors for every arm: Adam, constant rate 3e-3, batches of 500, min(900000 / points, 1000) epochs
(1800 steps at both sizes), 1,000 points of validation that choose the weights kept, 5,000 test points. All arms see the
same numbers in float32, standardised by the training set. One core; seconds are processor seconds, construction and
validation included, so that other people's load does not count. An arm that reaches --budget stops there; "schedule" is
then the time its 1800 steps would take, from the seconds a step took.

EMLP's own results of the whole schedule, mean squared error, mean of three trials each (mfinzi/equivariant-MLP, commit
f4fea4d, experiments/notebooks/synthetic_results_all.csv; groups O(5), O(3), O(1, 3)):

    points              EMLP     MLP   MLP augmented
     1000  invariant  0.0170   0.089           0.063
    10000  invariant  0.0130   0.062           0.070
     1000  inertia    0.136    3.24            0.130
    10000  inertia    0.0180   0.154           0.112
     1000  scattering 0.00033  0.364           0.0125
    10000  scattering 0.00026  0.0166          0.0134

Last run (one core of a Xeon with AMX, shared; emlp 1.0.3, jax 0.10.2; erlangen: mean and range of three seeds, other
arms one seed; EMLP stopped after 900 s, at about 200 of its 1800 steps, its last cell was not run):

    points              erlangen                      EMLP, 900 s   MLP     MLP augmented   erlangen   EMLP, schedule
     1000  invariant  0.0021 (0.0014 … 0.0026)          0.059     0.106      0.069           16 s        7,406 s
    10000  invariant  0.0017 (0.0011 … 0.0028)          0.051     0.075      0.075           17 s        7,617 s
     1000  inertia    0.0126 (0.0118 … 0.0133)          2.86      3.38       0.110           54 s        8,733 s
    10000  inertia    0.0033 (0.0026 … 0.0046)          2.79      0.151      0.105           59 s        8,624 s
     1000  scattering 7.4e-5 (7.5e-6 … 1.2e-4)          0.0073    0.414      0.0205          17 s        6,748 s
    10000  scattering 1.2e-5 (2.1e-6 … 3.0e-5)            –       0.0232     0.0180          17 s          –
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from synthetic_data import EXPERIMENTS, Array, Experiment, Move, make_data
from torch import Tensor, nn

import erlangen as eg
from erlangen.blueprint import Predict
from erlangen.point import Point

ARMS = ("erlangen", "emlp", "mlp", "augmented")
PUBLISHED = {  # EMLP's mean squared errors by (experiment, points), as in the table above
    ("invariant", 1000): 0.0170,
    ("invariant", 10000): 0.0130,
    ("inertia", 1000): 0.136,
    ("inertia", 10000): 0.0180,
    ("scattering", 1000): 0.00033,
    ("scattering", 10000): 0.00026,
}


@dataclass(frozen=True)
class Settings:
    """The authors' settings and the budget."""

    points: int
    seed: int
    budget: float
    layers: int = 3
    channels: int = 384
    rate: float = 3e-3
    batch: int = 500
    every: int = 20  # steps between two looks at the validation set

    @property
    def steps(self) -> int:
        """Steps of the whole schedule."""
        return min(900_000 // self.points, 1000) * -(-self.points // self.batch)


def mlp(inputs: int, outputs: int, settings: Settings) -> nn.Module:
    """The baseline: swish between linear layers, Glorot's normal weights, no bias at the start."""
    widths = [inputs, *[settings.channels] * settings.layers, outputs]
    parts: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        linear = nn.Linear(a, b)
        nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        parts += [linear, nn.SiLU()]
    return nn.Sequential(*parts[:-1])


def derived(experiment: Experiment, size: str = "small") -> nn.Module:
    """The network that follows from group, representations and task."""
    field = Point().field(experiment.group, experiment.input)
    return eg.derive(field, Predict(experiment.output), size)


def train(build: Callable[[], nn.Module], data: dict[str, Array], settings: Settings, move: Move | None = None) -> dict:
    """Train on standardised numbers, keep the weights of the best validation error, return errors and seconds."""
    torch.manual_seed(settings.seed)
    wall, start = time.perf_counter(), time.process_time()
    model = build()
    built = time.process_time() - start
    t = {k: torch.from_numpy(v) for k, v in data.items()}
    adam = torch.optim.Adam(model.parameters(), lr=settings.rate)

    def error(x: Tensor, y: Tensor) -> Tensor:
        return ((t["y_scale"] * model((x - t["x_mean"]) / t["x_scale"]) + t["y_mean"] - y) ** 2).mean()

    best, kept, done = float("inf"), model.state_dict(), 0
    while done < settings.steps and time.process_time() - start < settings.budget:
        for rows in torch.randperm(settings.points).split(settings.batch):
            x, y = t["x_train"][rows], t["y_train"][rows]
            loss = error(*(move(x, y) if move else (x, y)))
            adam.zero_grad()
            loss.backward()
            adam.step()
            done += 1
            if done % settings.every == 0:
                with torch.no_grad():
                    now = error(t["x_valid"], t["y_valid"]).item()
                if now < best:
                    best, kept = now, {k: v.clone() for k, v in model.state_dict().items()}
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    model.load_state_dict(kept)
    with torch.no_grad():
        test = error(t["x_test"], t["y_test"]).item()
    return {
        "test_mse": test,
        "valid_mse": best,
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "steps": done,
        "build_seconds": built,
        "step_seconds": (seconds - built) / done,
        "seconds": seconds,
        "wall_seconds": wall,
        "schedule_seconds": built + settings.steps * (seconds - built) / done,
    }


def emlp(experiment: Experiment, data: dict[str, Array], settings: Settings, peer: str) -> dict:
    """EMLP, in the peer's interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(path, **data)
        job = {"experiment": experiment.name, "data": str(path), "steps": settings.steps} | vars(settings)
        script = Path(__file__).with_name("emlp_arm.py")
        done = subprocess.run([peer, script, "train", json.dumps(job)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def run(arm: str, experiment: Experiment, settings: Settings, peer: str | None) -> dict:
    """One cell of the table."""
    data = make_data(experiment, settings.points, settings.seed)
    if arm == "emlp":
        if peer is None:
            raise SystemExit("the arm emlp needs --peer /path/to/python/with/emlp")
        result = emlp(experiment, data, settings, peer)
    else:
        inputs, outputs = data["x_train"].shape[1], data["y_train"].shape[1]
        move = experiment.move if arm == "augmented" else None
        result = train(
            lambda: derived(experiment) if arm == "erlangen" else mlp(inputs, outputs, settings), data, settings, move
        )
    cell = {"experiment": experiment.name, "arm": arm, "points": settings.points, "seed": settings.seed}
    return cell | {"relative": result["test_mse"] / float(data["y_test"].var(0).mean())} | result


def row(r: dict) -> str:
    """A line of the table."""
    return (
        f"| {EXPERIMENTS[r['experiment']].title} | {r['points']} | {r['arm']} | {r['relative']:.2e} "
        f"| {r['test_mse']:.2e} | {r['seconds']:.0f} | {r['steps']} | {r['schedule_seconds']:.0f} "
        f"| {r['build_seconds']:.2f} | {r['parameters']} |"
    )


def draw(results: list[dict], path: str) -> None:
    """Test error against the size of the training set, one panel an experiment, one line an arm (mean over seeds)."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [n for n in EXPERIMENTS if any(r["experiment"] == n for r in results)]
    figure, axes = plt.subplots(1, len(names), figsize=(4 * len(names), 3.4), squeeze=False, layout="constrained")
    for name, axis in zip(names, axes[0], strict=True):
        for colour, arm in enumerate(ARMS):
            cells = [r for r in results if r["experiment"] == name and r["arm"] == arm]
            cut = any(r["steps"] < Settings(r["points"], 0, 0).steps for r in cells)
            sizes = sorted({r["points"] for r in cells})
            means = [np.mean([r["relative"] for r in cells if r["points"] == s]) for s in sizes]
            if cells:
                axis.loglog(sizes, means, "o-", color=f"C{colour}", label=arm + " (stopped by the budget)" * cut)
        scale = {r["points"]: r["relative"] / r["test_mse"] for r in results if r["experiment"] == name}
        known = sorted(p for n, p in PUBLISHED if n == name and p in scale)
        errors = [PUBLISHED[name, p] * scale[p] for p in known]
        axis.loglog(known, errors, "x--", color="C1", label="emlp, as published")
        axis.set(title=EXPERIMENTS[name].title, xlabel="training points")
    axes[0, 0].set_ylabel("test error / variance")
    labelled = {label: line for axis in axes[0] for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path)


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description="EMLP's synthetic experiments")
    parser.add_argument("--peer", help="Python interpreter that has emlp")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--experiments", nargs="+", default=list(EXPERIMENTS), choices=list(EXPERIMENTS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 10000])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--budget", type=float, default=900, help="processor seconds after which a cell stops")
    parser.add_argument("--json", type=Path, help="results; cells it already holds are not run again")
    parser.add_argument("--figure", help="file of the picture")
    arguments = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # children inherit the core
    results: list[dict] = []
    if arguments.json and arguments.json.exists():
        results = json.loads(arguments.json.read_text())
    known = {(r["experiment"], r["points"], r["arm"], r["seed"]): r for r in results}
    print(
        "| experiment | points | arm | error/variance | squared error | s | steps | schedule s | build s | parameters |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for points in arguments.sizes:
        for name in arguments.experiments:
            for arm in arguments.arms:
                for seed in range(arguments.seeds):
                    key = (name, points, arm, seed)
                    if key not in known:
                        settings = Settings(points, seed, arguments.budget)
                        known[key] = run(arm, EXPERIMENTS[name], settings, arguments.peer)
                        if arguments.json:
                            arguments.json.write_text(json.dumps(list(known.values()), indent=1))
                    print(row(known[key]), flush=True)
    if arguments.figure:
        draw(list(known.values()), arguments.figure)


if __name__ == "__main__":
    sys.exit(main())
