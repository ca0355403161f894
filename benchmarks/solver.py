"""How long does a cold solver take to find all equivariant maps, and how exact are they? erlangen beside EMLP.

    python benchmarks/solver.py --peer /path/to/python/with/emlp

Every figure is the first call in a fresh process on one core, imports excluded, median of three processes: from the
words of the group to the numbers of the basis (construction of group and representations, and the solution). "process"
is the whole process, imports included. EMLP is stopped after 120 s.

The residual is measured by this file, in float64 and with elements neither library has drawn: the largest
‖ρ_out(g) W − W ρ_in(g)‖ / ‖W‖ over ten random elements g and all maps W of the basis (Frobenius norms). Unknowns are
the entries of W. The cases stand in solver_cases.py.

Last run (one core of a Xeon with AMX, shared with other work; emlp 1.0.3, jax 0.10.2, numpy 2.4.6; trust the ratios):

    case              unknowns  dim   erlangen     EMLP  ratio  residual  EMLP's
    S5-T1-T1                25    2     6.2 ms   1.14 s    183     0e+00   4e-07
    S5-T2-T1               125    5     6.6 ms   1.25 s    192     0e+00   5e-07
    S3-T2-T2                81   14     4.2 ms   1.20 s    287     0e+00   1e-06
    S4-T2-T2               256   15     4.9 ms   1.31 s    267     0e+00   1e-06
    S5-T2-T2               625   15     7.0 ms   2.06 s    293     0e+00   1e-06
    S6-T2-T2              1296   15    37.1 ms   8.39 s    226     0e+00   1e-06
    S7-T2-T2              2401   15     5.0 ms   5.17 s   1024     0e+00   2e-04
    S8-T2-T2              4096   15     9.8 ms   6.50 s    666     0e+00   1e-04
    S4-T3-T2              1024   51     5.8 ms   2.63 s    455     0e+00   3e-06
    Z8-T1-T1                64    8     8.8 ms   1.01 s    114     0e+00   2e-06
    Z16-T1-T1              256   16     5.3 ms   1.08 s    206     0e+00   4e-06
    C3-T1-T1                 4    2     4.3 ms   0.86 s    201     6e-16   3e-07
    C3-T2-T2                16    6     4.7 ms   0.99 s    212     9e-15   5e-07
    D3-T1-T1                 4    1     4.7 ms   0.87 s    187     2e-16   2e-07
    D4-T1-T1                 4    1     3.6 ms   0.88 s    246     0e+00   3e-07
    D4-T2-T2                16    4     8.2 ms   1.03 s    125     1e-15   4e-07
    D6-T2-T2                16    3     5.5 ms   1.02 s    187     1e-14   4e-07
    D6regular-T1-T1        144   12     8.9 ms   0.86 s     97     0e+00   1e-06
    SU2-T1-T1                4    1     5.4 ms   0.88 s    162     2e-16   0e+00
    SU2-T2-T2               16    2     6.0 ms   1.24 s    206     7e-16   2e-07
    O3-T1-T1                 9    1     5.9 ms   0.83 s    141     8e-16   0e+00
    O3-T1-T2                27    0     3.8 ms   1.08 s    282     0e+00   0e+00
    O3-T2-T2                81    3     6.7 ms   1.49 s    223     9e-15   1e-06
    O3-T3-T3               729   15    15.6 ms   4.05 s    259     1e-14   1e-06
    SO3-T1-T2               27    1     5.7 ms   0.68 s    118     2e-15   6e-07
    SO3-T2-T3              243    6     7.4 ms   1.43 s    195     3e-14   2e-06
    SO13-T1-T1              16    1     6.9 ms   1.67 s    241     7e-16   4e-07
    SO13-T2-T2             256    4    10.1 ms   2.14 s    213     3e-14   3e-06
    O13-T2-T2              256    3     9.7 ms   2.24 s    232     4e-14   2e-06
    O13-T1-T3              256    3    12.9 ms   2.21 s    171     1e-13   4e-06
    cube-T1-T1              36    3     5.5 ms   0.83 s    151     0e+00   7e-07
    cube-T2-T2            1296   60     6.9 ms   2.89 s    415     0e+00   2e-06
    rubik-T1-T1           2304    9     7.9 ms   2.10 s    264     0e+00   9e-04
    p4grid8-T1-T1         4096   18    27.0 ms   2.52 s     93     0e+00   5e-04
    SL3-T3-T0               27    1     6.3 ms   1.02 s    163     2e-14   4e-07
    GL2-T1.1-T1.1           16    2     6.6 ms   1.44 s    219     9e-16   4e-07
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


def once(case: Case, command: list[str], kernels: str | None = None) -> dict:
    """One fresh process: its record, the process's seconds, and our residual of the basis it wrote.

    A basis of NaN is asked for again with OpenBLAS's kernels for Haswell: on one core of some newer machines its
    singular value decomposition of a 6480 x 1296 matrix (emlp's S(6) T2→T2) is NaN otherwise.
    """
    environment = os.environ | ({"OPENBLAS_CORETYPE": kernels} if kernels else {})
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "basis.npy")
        start = time.perf_counter()
        try:
            done = subprocess.run([*command, path], capture_output=True, text=True, timeout=LIMIT, env=environment)
        except subprocess.TimeoutExpired:
            return {"failure": f"> {LIMIT:.0f} s"}
        if done.returncode:
            return {"failure": (done.stderr.strip().splitlines() or ["no message"])[-1][:200]}
        record = json.loads(done.stdout.splitlines()[-1]) | {"process": time.perf_counter() - start}
        basis = np.load(path)
    if not np.isfinite(basis).all():
        return record | {"failure": "NaN"} if kernels else once(case, command, "Haswell")
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
        both = all(side is not None and "failure" not in side for side in (ours, theirs))
        ratio = f"{theirs['seconds'] / ours['seconds']:.0f}" if both else ""
        print(
            "|", " | ".join([name, str(sides["unknowns"]), a[0], b[0], a[1], b[1], ratio, a[2], b[2]]), "|", flush=True
        )
        if arguments.json:
            arguments.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
