"""How long do characters, irreps and Clebsch-Gordan coefficients take from cold, and how exact are they?

    python benchmarks/irreps.py

One process, one thread, imports excluded, nothing cached: S(6) with its table of 720 elements, character table and all
irreps; an anonymous group of the same permutations, whose irreps are found numerically; all irreps of SO(3) to degree
12; all Clebsch-Gordan coefficients to degree 8. Errors are the largest entry of the residual of the law that is named.

Last run (one core of a Xeon with AMX, shared with other work):

    S(6): character table, 11 irreps            0.132 s   ρ(g)ρ(h) = ρ(gh)                1.7e-15
    the same group, anonymous                   0.147 s   ρ(g)ρ(h) = ρ(gh)                9.5e-15
    SO(3): irreps to degree 12                  0.014 s   [Jx, Jy] = Jz                   1.4e-14
    Clebsch-Gordan to degree 8, 369 triples     0.170 s   C Cᵀ = 1                        3.3e-15
                                                          dρ₃ C = C (dρ₁ ⊗ 1 + 1 ⊗ dρ₂)   2.1e-13
"""

import time
from collections.abc import Callable
from itertools import product

import numpy as np
import torch

from erlangen.symmetry import SO, FiniteGroup, Group, S, clebsch_gordan


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds and result of one call."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def everything(group: FiniteGroup) -> FiniteGroup:
    """The character table and every irrep, computed."""
    _ = group.character_table.values, [irrep.matrices() for irrep in group.irreps]
    return group


def homomorphism_error(group: FiniteGroup) -> float:
    """max |ρ(g) ρ(h) - ρ(gh)| over irreps, all g, and generators h."""
    worst = 0.0
    for irrep in group.irreps:
        rho = irrep.matrices()
        for h in group.generators.values():
            worst = max(worst, float(np.abs(rho @ rho[h] - rho[group.table[:, h]]).max()))
    return worst


def coefficients(degree: int) -> dict[tuple[int, int, int], np.ndarray]:
    """All C[l1, l2, l3] with every degree at most this one."""
    degrees = range(degree + 1)
    triples = [(a, b, c) for a, b, c in product(degrees, repeat=3) if abs(a - b) <= c <= a + b]
    return {triple: np.asarray(clebsch_gordan(*triple)) for triple in triples}


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    print("| what | seconds | law | largest error |\n|---|---|---|---|")
    moves = {"a": "(0 1)", "c": "(0 1 2 3 4 5)"}
    for what, make in (("S(6)", lambda: S(6)), ("the same group, anonymous", lambda: Group.from_permutations(moves))):
        seconds, group = timed(lambda make=make: everything(make()))
        error = homomorphism_error(group)
        print(
            f"| {what}: character table, {len(group.irreps)} irreps | {seconds:.3f} | ρ(g)ρ(h) = ρ(gh) | {error:.1e} |"
        )
    so3 = SO(3)
    seconds, irreps = timed(lambda: [so3.irrep(degree).terms[0][1].derivatives for degree in range(13)])
    worst = max(np.abs(d["Jx"] @ d["Jy"] - d["Jy"] @ d["Jx"] - d["Jz"]).max() for d in irreps)
    print(f"| SO(3): irreps to degree 12 | {seconds:.3f} | [Jx, Jy] = Jz | {worst:.1e} |")
    seconds, found = timed(lambda: coefficients(8))
    flat = {t: c.reshape(len(c), -1) for t, c in found.items()}
    orthogonal = max(float(np.abs(c @ c.T - np.eye(len(c))).max()) for c in flat.values())
    print(f"| Clebsch-Gordan to degree 8, {len(found)} triples | {seconds:.3f} | C Cᵀ = 1 | {orthogonal:.1e} |")
    moved = 0.0
    for (a, b, c), matrix in flat.items():
        one, two, three = (so3.irrep(degree).terms[0][1].derivatives for degree in (a, b, c))
        for name in three:
            both = np.kron(one[name], np.eye(2 * b + 1)) + np.kron(np.eye(2 * a + 1), two[name])
            moved = max(moved, float(np.abs(three[name] @ matrix - matrix @ both).max()))
    print(f"| the same | | dρ₃ C = C (dρ₁ ⊗ 1 + 1 ⊗ dρ₂) | {moved:.1e} |")


if __name__ == "__main__":
    main()
