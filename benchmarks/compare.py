"""Does the symmetry pay, and is it better built in, shown, or put on afterwards? Five tasks of four domains.

Arms: plain (the same blueprint without the symmetry), augmented (the same, training examples moved at random),
symmetrised and augmented+symmetrised (those two, averaged over the group after training), derived (the symmetry built
in). Every study repeats them over numbers of training examples and seeds, or folds, and judges them on test examples as
they are, moved by the group, and turned by any angle where that is a symmetry:

    mnist-rot    C4 on turned digits; equal parameters, 20 epochs
    mutag        relabelled atoms; plain reads their order; equal parameters, ten folds
    fastsk-ctcf  the reverse complement on binding of CTCF; equal parameters, five seeds
    adrenal      rotations of the cube on adrenal glands; equal channels and minutes
    splice       the reverse complement where it is wrong: splice junctions are read on one strand

    python benchmarks/compare.py --out runs/compare --jobs 2
    python benchmarks/compare.py --out runs/compare mutag fastsk-ctcf splice
    python benchmarks/compare.py --smoke

What is finished is kept in `--out`: the same command goes on, and prints everything again.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from cells import use_threads

import erlangen as eg

STUDIES: dict[str, dict[str, Any]] = {
    "mnist-rot": {"group": "C4", "size": "tiny", "sizes": [500, 2000], "epochs": 10, "test": 2000},
    "mutag": {"seeds": 5, "sizes": [38, 150], "batch_size": 16},
    "fastsk-ctcf": {"group": "RC", "size": "tiny", "seeds": 5},
    "adrenal": {
        "group": "O",
        "size": "tiny",
        "sizes": [297, 1188],
        "match": "minutes",
        "minutes": 1.5,
        "batch_size": 16,
        "test": 150,
    },
    "splice": {"group": "RC", "size": "tiny", "seeds": 5},
}
SMOKE: dict[str, dict[str, Any]] = {
    name: {"size": "tiny", "seeds": 2, "epochs": 1, "minutes": None, "match": "parameters", "test": 8, "sizes": [32]}
    for name in STUDIES
}


def main() -> None:
    """Compute what is missing, print the tables and verdicts."""
    parser = argparse.ArgumentParser(description="does the symmetry pay?")
    parser.add_argument("studies", nargs="*", default=list(STUDIES), help=f"any of {', '.join(STUDIES)}")
    parser.add_argument("--out", type=Path, default=None, help="folder that keeps the cells")
    parser.add_argument("--seeds", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--engine", default="processes", choices=("processes", "ray"))
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours: that it runs, not what it says")
    given = parser.parse_args()
    if given.threads is not None and given.jobs == 1:
        use_threads(given.threads)
    for name in given.studies:
        study = {**STUDIES[name], **(SMOKE[name] if given.smoke else {})}
        if given.seeds is not None:
            study["seeds"] = given.seeds
        data = "mnist-rot-5k" if given.smoke and name == "mnist-rot" else name
        start = time.perf_counter()
        where = {"jobs": given.jobs, "threads": given.threads, "engine": given.engine}
        found = eg.compare(data, out=given.out and given.out / name, **study, **where)
        print(f"\n{found}\n\n{name}: {(time.perf_counter() - start) / 60:.1f} minutes\n", flush=True)


if __name__ == "__main__":
    main()
