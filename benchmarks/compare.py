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

Last run (`--threads 1`; a shared CPU without AMX, torch 2.13.0). C4 helped on mnist-rot, every arm that has to learn it
is behind (p = 0.02 after Holm's correction). On mutag, fastsk-ctcf and adrenal so few seeds decide nothing: on
fastsk-ctcf augmentation with averaging is ahead at every size, on adrenal the plain network as the glands lie.

    mnist-rot, C4, 3 seeds, accuracy
    examples  arm                             upright             moved            turned   flips    error
       500  plain                   0.5878 ± 0.0279   0.5855 ± 0.0221   0.5828 ± 0.0173   26.6%    3e-01
       500  augmented               0.5932 ± 0.0193   0.5940 ± 0.0186   0.5908 ± 0.0202   16.7%    2e-01
       500  symmetrised             0.6373 ± 0.0229   0.6373 ± 0.0229   0.6327 ± 0.0273    0.0%    3e-08
       500  augmented+symmetrised   0.6085 ± 0.0270   0.6085 ± 0.0270   0.6110 ± 0.0272    0.0%    3e-08
       500  derived                 0.8177 ± 0.0188   0.8177 ± 0.0188   0.8155 ± 0.0143    0.0%    3e-07
     2,000  plain                   0.7862 ± 0.0167   0.7837 ± 0.0171   0.7783 ± 0.0086   14.6%    2e-01
     2,000  augmented               0.7920 ± 0.0270   0.7960 ± 0.0241   0.7932 ± 0.0303   11.2%    2e-01
     2,000  symmetrised             0.8198 ± 0.0188   0.8198 ± 0.0188   0.8147 ± 0.0191    0.0%    3e-08
     2,000  augmented+symmetrised   0.8198 ± 0.0207   0.8198 ± 0.0207   0.8200 ± 0.0296    0.0%    3e-08
     2,000  derived                 0.9300 ± 0.0030   0.9300 ± 0.0030   0.9280 ± 0.0069    0.0%    4e-07

    mutag, Σn, 5 folds, area under the ROC curve
    examples  arm                             upright             moved   flips    error
        38  plain                   0.8348 ± 0.1377   0.8643 ± 0.0916   23.3%    1e+00
        38  augmented               0.8711 ± 0.0963   0.8307 ± 0.0720   11.1%    8e-01
        38  symmetrised             0.8477 ± 0.0885   0.8493 ± 0.1006    7.8%    7e-01
        38  augmented+symmetrised   0.8834 ± 0.0978   0.8883 ± 0.1012    3.3%    5e-01
        38  derived                 0.8889 ± 0.1114   0.8889 ± 0.1114    0.0%    1e-07
       150  plain                   0.9079 ± 0.1007   0.8728 ± 0.1331   21.1%    9e-01
       150  augmented               0.9485 ± 0.0636   0.9198 ± 0.0632    7.8%    9e-01
       150  symmetrised             0.8954 ± 0.0917   0.8949 ± 0.1117   15.6%    7e-01
       150  augmented+symmetrised   0.9377 ± 0.0496   0.9321 ± 0.0508    0.0%    2e-01
       150  derived                 0.9334 ± 0.0538   0.9334 ± 0.0538    0.0%    1e-07

    fastsk-ctcf, RC, 3 seeds, area under the ROC curve
    examples  arm                             upright             moved   flips    error
       112  plain                   0.7937 ± 0.0223   0.7936 ± 0.0113    9.9%    4e-01
       112  augmented               0.8334 ± 0.0053   0.8368 ± 0.0050    6.2%    3e-01
       112  symmetrised             0.8090 ± 0.0191   0.8090 ± 0.0191    0.0%    0e+00
       112  augmented+symmetrised   0.8418 ± 0.0039   0.8418 ± 0.0039    0.0%    0e+00
       112  derived                 0.7882 ± 0.0220   0.7882 ± 0.0220    0.0%    4e-07
       448  plain                   0.8975 ± 0.0120   0.8964 ± 0.0080    7.4%    5e-01
       448  augmented               0.9396 ± 0.0039   0.9405 ± 0.0052    5.7%    4e-01
       448  symmetrised             0.9146 ± 0.0152   0.9146 ± 0.0152    0.0%    0e+00
       448  augmented+symmetrised   0.9479 ± 0.0045   0.9479 ± 0.0045    0.0%    0e+00
       448  derived                 0.9221 ± 0.0201   0.9221 ± 0.0201    0.0%    3e-07
     1,793  plain                   0.9695 ± 0.0016   0.9673 ± 0.0016    4.7%    3e-01
     1,793  augmented               0.9770 ± 0.0010   0.9776 ± 0.0008    2.6%    3e-01
     1,793  symmetrised             0.9746 ± 0.0010   0.9746 ± 0.0010    0.0%    0e+00
     1,793  augmented+symmetrised   0.9793 ± 0.0007   0.9793 ± 0.0007    0.0%    0e+00
     1,793  derived                 0.9783 ± 0.0007   0.9783 ± 0.0007    0.0%    2e-07

    adrenal, O, 3 seeds, area under the ROC curve, equal channels and one minute each: here the plain network is ahead
    examples  arm                             upright             moved            turned   flips    error
       594  plain                   0.8507 ± 0.0033   0.8046 ± 0.0134   0.7293 ± 0.0146   11.1%    4e-01
       594  augmented               0.8178 ± 0.0255   0.8078 ± 0.0386   0.7684 ± 0.0187    1.1%    2e-01
       594  symmetrised             0.8264 ± 0.0028   0.8264 ± 0.0028   0.7885 ± 0.0054    0.0%    4e-08
       594  augmented+symmetrised   0.8221 ± 0.0190   0.8221 ± 0.0190   0.7780 ± 0.0105    0.0%    4e-08
       594  derived                 0.8060 ± 0.0245   0.8060 ± 0.0245   0.7257 ± 0.1377    0.0%    8e-07
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
        "sizes": [594],
        "match": "minutes",
        "minutes": 1.0,
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
