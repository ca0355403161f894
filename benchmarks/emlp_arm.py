"""EMLP's side of `solver.py` and `synthetic.py`: runs in an interpreter that has emlp, knows nothing of erlangen.

    python emlp_arm.py solve  '{"group": "SO(3)", "input": [2, 0], "output": [3, 0]}' basis.npy
    python emlp_arm.py train  '{"experiment": "O5Synthetic", "data": "data.npz", "steps": 1800, ...}'

Both print one line of JSON. `pip install emlp jax objax six` in an environment of its own (emlp 1.0.3, jax 0.10.2).

Two things are mended from outside. emlp gives its progress bar numpy numbers that today's tqdm cannot format, so that
every problem of more than 3e7 matrix entries ends in a TypeError: the bar is replaced by one that draws nothing. objax
1.8.0 asks whether an array has a kind of sharding that jax 0.10.2 no longer knows: it gets a class that nothing is of.
"""

import json
import sys
import time

import emlp.groups
import emlp.reps.representation
import jax
import jax.numpy as jnp
import numpy as np
import objax
from emlp.groups import Group
from emlp.nn import EMLP
from emlp.reps import Scalar, T, Vector
from emlp.reps.linear_operators import LazyPerm


class SilentBar:
    """Stands in for tqdm in emlp's iterative solver."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def update(self, _: float) -> None:
        """Draw nothing."""

    def close(self) -> None:
        """Nothing to close."""


emlp.reps.representation.tqdm = SilentBar
if not hasattr(jax.sharding, "PmapSharding"):
    jax.sharding.PmapSharding = type("PmapSharding", (), {})


class Permutations(Group):
    """A permutation group given by generators, in emlp's words."""

    def __init__(self, name: str, generators: list[list[int]]) -> None:
        self.discrete_generators = [LazyPerm(np.array(g)) for g in generators]
        self.d = len(generators[0])
        self.is_permutation = True
        super().__init__(name)  # the name goes into the key of emlp's cache


def make_group(words: str | list[list[int]]) -> Group:
    """`"SO(3)"` or a list of permutations."""
    if not isinstance(words, str):
        return Permutations("given", words)
    name, _, arguments = words.rstrip(")").partition("(")
    return getattr(emlp.groups, name)(*[int(a) for a in arguments.split(",") if a])


def solve(case: dict, path: str) -> dict:
    """Solve one case, write the basis as [unknowns, dim] and return the seconds.

    Group, representation and solution are inside the clock; imports are not.
    """
    start = time.perf_counter()
    group = make_group(case["group"])
    maps = T(*case["input"], group) >> T(*case["output"], group)
    basis = np.asarray(maps.equivariant_basis())
    seconds = time.perf_counter() - start
    np.save(path, basis)
    return {"seconds": seconds, "dim": int(basis.shape[-1]), "unknowns": int(basis.shape[0])}


# Representations and groups as emlp.datasets declares them.
EXPERIMENTS = {
    "invariant": (2 * Vector, Scalar, "O(5)"),
    "inertia": (5 * Scalar + 5 * Vector, T(2), "O(3)"),
    "scattering": (4 * Vector, Scalar, "O13"),
}


class Clock:
    """Wall and processor seconds since the start; processor seconds do not see other people's load."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """(wall, processor) seconds so far."""
        return time.perf_counter() - self.wall, time.process_time() - self.processor


def make_steps(model: EMLP, stats: list[np.ndarray], rate: float) -> tuple:
    """Compiled functions (train one batch, mean squared error of a set), as in the authors' trainer."""
    x_mean, x_scale, y_mean, y_scale = stats

    def predict(x: jax.Array) -> jax.Array:
        return y_scale * model((x - x_mean) / x_scale, training=True) + y_mean

    def loss(x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.mean((predict(x) - y) ** 2)

    variables = model.vars()
    gradients = objax.GradValues(loss, variables)
    adam = objax.optimizer.Adam(variables)

    def train(x: jax.Array, y: jax.Array) -> jax.Array:
        g, value = gradients(x, y)
        adam(rate, g)
        return value[0]

    return objax.Jit(train, variables + adam.vars()), objax.Jit(loss, variables)


def train(job: dict) -> dict:
    """EMLP on the given data, stopped by steps or by processor seconds; the weights of the best validation count."""
    np.random.seed(job["seed"])  # noqa: NPY002  (emlp draws its channels from numpy's global generator)
    objax.random.DEFAULT_GENERATOR.seed(job["seed"])
    data = {k: v.astype(np.float32) for k, v in np.load(job["data"]).items()}
    rep_in, rep_out, words = EXPERIMENTS[job["experiment"]]
    clock = Clock()
    model = EMLP(rep_in, rep_out, make_group(words), ch=job["channels"], num_layers=job["layers"])
    build = clock.read()
    step, error = make_steps(model, [data[k] for k in ("x_mean", "x_scale", "y_mean", "y_scale")], job["rate"])

    def evaluate(part: str) -> float:
        x, y, size = data[f"x_{part}"], data[f"y_{part}"], 500
        return float(np.mean([error(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]))

    order = np.random.default_rng(job["seed"])
    x, y, batch = data["x_train"], data["y_train"], min(job["batch"], len(data["x_train"]))
    best, kept, done, stepping = float("inf"), model.vars().tensors(), 0, 0.0
    first = 0.0
    while done < job["steps"] and clock.read()[1] < job["budget"]:
        shuffled = order.permutation(len(x))
        for i in range(0, len(x) - batch + 1, batch):
            before = time.process_time()
            float(step(x[shuffled[i : i + batch]], y[shuffled[i : i + batch]]))
            took = time.process_time() - before
            done += 1
            first, stepping = (took, 0.0) if done == 1 else (first, stepping + took)
            if done % job["every"] == 0:
                now = evaluate("valid")
                print(done, now, *clock.read(), file=sys.stderr, flush=True)
                if now < best:
                    best, kept = now, [jnp.array(t) for t in model.vars().tensors()]
    wall, processor = clock.read()
    model.vars().assign(kept)
    each = stepping / max(done - 1, 1)
    return {
        "test_mse": evaluate("test"),
        "valid_mse": best,
        "parameters": int(sum(v.value.size for v in model.vars().subset(objax.TrainVar))),
        "steps": done,
        "build_seconds": build[1],
        "compile_seconds": first - each,
        "step_seconds": each,
        "seconds": processor,
        "wall_seconds": wall,
        "schedule_seconds": processor + (job["steps"] - done) * (processor - build[1] - first) / max(done - 1, 1),
    }


if __name__ == "__main__":
    argument = json.loads(sys.argv[2])
    print(json.dumps(solve(argument, sys.argv[3]) if sys.argv[1] == "solve" else train(argument)))
