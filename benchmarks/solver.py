"""How long does a cold solver take to find all equivariant maps, and how exact are they? erlangen beside EMLP.

    python benchmarks/solver.py --peer /path/to/python/with/emlp

Every figure is the first call in a fresh process on one core, imports excluded, median of three processes: from the
words of the group to the numbers of the basis (construction of group and representations, and the solution). "process"
is the whole process, imports included. EMLP is stopped after 120 s.

The residual is measured by this file, in float64 and with elements neither library has drawn: the largest
‖ρ_out(g) W − W ρ_in(g)‖ / ‖W‖ over ten random elements g and all maps W of the basis (Frobenius norms). Unknowns are
the entries of W. The cases stand in solver_cases.py.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import reduce
from pathlib import Path

import numpy as np
from solver_cases import GROUPS, Case, Matrix, cases

LIMIT = 120.0


def tensor(g: Matrix, rank: tuple[int, int]) -> Matrix:
    """T(p,q) of g: p factors g, then q factors g^{-T}."""
    return reduce(np.kron, [g] * rank[0] + [np.linalg.inv(g).T] * rank[1], np.eye(1))


def residual(case: Case, basis: Matrix) -> float:
    """Largest relative ‖ρ_out(g) W − W ρ_in(g)‖ of a basis [dim, out, in] over ten fresh elements."""
    worst = 0.0
    norms = np.linalg.norm(basis, axis=(1, 2))
    for g in GROUPS[case.group].elements(10):
        error = np.linalg.norm(tensor(g, case.output) @ basis - basis @ tensor(g, case.input), axis=(1, 2))
        worst = max(worst, float((error / norms).max(initial=0.0)))
    return worst


def solve_ours(case: Case, path: str) -> dict:
    """The counterpart of `emlp_arm.solve`: runs in a fresh process, the clock starts after the imports."""
    import scipy.linalg
    import scipy.sparse  # noqa: F401  (imports are outside the clock on both sides)
    import torch

    from erlangen.solve import solve
    from erlangen.symmetry import Group, group

    torch.set_num_threads(1)
    words = GROUPS[case.group].ours
    start = time.perf_counter()
    made = (
        group(words) if isinstance(words, str) else Group.from_permutations({f"g{i}": m for i, m in enumerate(words)})
    )
    spaces = [
        made.representation("*".join(["standard"] * p + ["dual(standard)"] * q) or "trivial")
        for p, q in (case.input, case.output)
    ]
    certificate = solve(*spaces)
    basis = np.asarray(certificate.basis)
    seconds = time.perf_counter() - start
    np.save(path, basis)
    return {"seconds": seconds, "dim": certificate.dim, "own_residual": certificate.residual}


def once(case: Case, command: list[str]) -> dict:
    """One fresh process: its record, the process's seconds, and our residual of the basis it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "basis.npy")
        start = time.perf_counter()
        try:
            done = subprocess.run([*command, path], capture_output=True, text=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return {"failure": f"> {LIMIT:.0f} s"}
        if done.returncode:
            return {"failure": (done.stderr.strip().splitlines() or ["no message"])[-1][:200]}
        record = json.loads(done.stdout.splitlines()[-1]) | {"process": time.perf_counter() - start}
        basis = np.load(path)
    if not np.isfinite(basis).all():
        return record | {"failure": "NaN"}
    shape = [tensor(np.eye(len(GROUPS[case.group].elements(1)[0])), r).shape[0] for r in (case.output, case.input)]
    if basis.ndim == 2:  # emlp: one column a map
        basis = basis.T.reshape(-1, *shape)
    independent = int(np.linalg.matrix_rank(basis.reshape(len(basis), -1))) if len(basis) else 0
    return record | {"residual": residual(case, basis.astype(np.result_type(basis, np.float64))), "rank": independent}


def measure(case: Case, side: str, peer: str | None, repeats: int) -> dict:
    """Median of fresh processes."""
    if side == "emlp":
        words = {"group": GROUPS[case.group].peer, "input": case.input, "output": case.output}
        command = [str(peer), str(Path(__file__).with_name("emlp_arm.py")), "solve", json.dumps(words)]
    else:
        command = [sys.executable, __file__, "--child", case.name]
    records: list[dict] = []
    for _ in range(repeats):
        records.append(once(case, command))
        if "failure" in records[-1]:
            return records[-1]
    middle = {k: statistics.median(r[k] for r in records) for k in ("seconds", "process")}
    return (
        records[0] | middle | {"residual": max(r["residual"] for r in records), "runs": [r["seconds"] for r in records]}
    )


def show(value: dict | None, case: Case) -> list[str]:
    """Dimension, seconds and residual of one side, as words."""
    if value is None:
        return ["", "", ""]
    if "failure" in value:
        return ["-", value["failure"], "-"]
    right = value["dim"] == value["rank"] == case.dim
    return [f"{value['dim']}{'' if right else ' (wrong)'}", f"{value['seconds']:.4f}", f"{value['residual']:.0e}"]


def main() -> None:
    """Measure and print the table."""
    every = cases()
    parser = argparse.ArgumentParser(description="cold solvers, erlangen beside EMLP")
    parser.add_argument("--peer", help="Python interpreter that has emlp; without it only erlangen is timed")
    parser.add_argument("--cases", default=",".join(every), help="names, separated by commas")
    parser.add_argument("--sides", nargs="+", default=["erlangen", "emlp"], choices=["erlangen", "emlp"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file of the raw figures; what it holds of other cases is kept")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(solve_ours(every[arguments.child], arguments.path)))
        return
    os.environ |= {w: "1" for w in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    os.environ |= {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_PLATFORMS": "cpu"}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # children inherit the core
    kept = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    print("| case | unknowns | dim | EMLP dim | s | EMLP s | ratio | residual | EMLP residual |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in arguments.cases.split(","):
        case, sides = every[name], kept.setdefault(name, {})
        for side in arguments.sides:
            if side == "erlangen" or arguments.peer:
                sides[side] = measure(case, side, arguments.peer, arguments.repeats)
        ours, theirs = sides.get("erlangen"), sides.get("emlp")
        degree = len(GROUPS[case.group].elements(1)[0])
        sides["unknowns"] = degree ** sum(case.input + case.output)
        a, b = show(ours, case), show(theirs, case)
        both = ours is not None and theirs is not None and "seconds" in ours and "seconds" in theirs
        ratio = f"{theirs['seconds'] / ours['seconds']:.0f}" if both else ""
        print(
            "|", " | ".join([name, str(sides["unknowns"]), a[0], b[0], a[1], b[1], ratio, a[2], b[2]]), "|", flush=True
        )
        if arguments.json:
            arguments.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
