"""Which known Lie algebra a set of matrices spans."""

from itertools import combinations

import numpy as np

SAME = 0.05  # two subspaces are the same up to this sine of the largest angle between them


def name_algebra(found: np.ndarray) -> tuple[tuple[str, ...], float]:
    """The known algebras inside the span of matrices, and how far commutators leave the span.

    If the span is a known algebra, that name alone; else those of its parts. An algebra of a metric η, A^T η + η A = 0,
    is recognised in any basis by its metric.

    Args:
        found: [k, d, d] a basis.

    Returns:
        Names such as ("so(3)",) or ("so(2) in the plane 12", "scaling"), and the largest share of a commutator outside
        the span (0 for an algebra).
    """
    k, d = found.shape[:2]
    span = np.linalg.qr(found.reshape(k, -1).T)[0]
    basis = span.T.reshape(k, d, d)
    closed = max((_outside(_bracket(a, b), span) for a, b in combinations(basis, 2)), default=0.0)
    inside = [(name, part) for name, part in _catalogue(d) if all(_outside(a, span) < SAME for a in part)]
    whole = [name for name, part in inside if len(part) == k]
    if whole:
        return (whole[0],), closed
    metric = _metric(basis)
    if metric is not None and k == d * (d - 1) // 2:
        plus, minus = int((metric > 0).sum()), int((metric < 0).sum())
        signature = str(d) if not min(plus, minus) else f"{min(plus, minus)},{max(plus, minus)}"
        return (f"so({signature}) in another basis",), closed
    return _largest(inside), closed


def _catalogue(d: int) -> list[tuple[str, np.ndarray]]:
    """(name, basis) of the algebras that are looked for, largest first."""
    units = np.eye(d * d).reshape(d, d, d, d)  # units[i, j] = E_ij

    def skew(metric: list[int]) -> np.ndarray:
        return np.array([metric[j] * units[i, j] - metric[i] * units[j, i] for i, j in combinations(range(d), 2)])

    found = [("gl", units.reshape(-1, d, d))]
    traceless = [units[i, j] for i in range(d) for j in range(d) if i != j]
    traceless += [units[i, i] - units[i + 1, i + 1] for i in range(d - 1)]
    scaling = np.eye(d)[None]
    found = [(f"gl({d})", found[0][1]), (f"sl({d})", np.array(traceless).reshape(-1, d, d))]
    if d > 1:
        turns = skew([1] * d)
        found += [(f"so({d}) and scaling", np.concatenate([turns, scaling])), (f"so({d})", turns)]
    if d > 2:
        for axis in range(d):
            boosts = skew([-1 if i == axis else 1 for i in range(d)])
            found.append((f"so(1,{d - 1}) with time along {axis + 1}", boosts))
        for i, j in combinations(range(d), 2):
            found.append((f"so(2) in the plane {i + 1}{j + 1}", (units[i, j] - units[j, i])[None]))
    found.append(("scaling", scaling))
    for i in range(d) if d > 1 else ():
        found.append((f"scaling along {i + 1}", units[i, i][None]))
    return sorted(found, key=lambda entry: -len(entry[1]))


def _largest(inside: list[tuple[str, np.ndarray]]) -> tuple[str, ...]:
    """Those that do not lie in the span of larger ones that are named already."""
    named: list[tuple[str, np.ndarray]] = []
    for name, part in inside:
        rows = [a.ravel() for _, other in named for a in other]
        if rows and all(_outside(a, np.linalg.qr(np.array(rows).T)[0]) < 1e-9 for a in part):
            continue
        named.append((name, part))
    return tuple(name for name, _ in named)


def _metric(basis: np.ndarray) -> np.ndarray | None:
    """Eigenvalues of the form η with A^T η + η A = 0 for all A, if there is one and it is not degenerate."""
    d = basis.shape[1]
    upper = [(i, j) for i in range(d) for j in range(i, d)]
    columns = []
    for i, j in upper:
        eta = np.zeros((d, d))
        eta[i, j] = eta[j, i] = 1.0
        columns.append(np.concatenate([(a.T @ eta + eta @ a).ravel() for a in basis]))
    _, sizes, rows = np.linalg.svd(np.array(columns).T)
    if sizes[-1] > SAME * sizes[0] or (len(sizes) > 1 and sizes[-2] <= SAME * sizes[0]):
        return None
    eta = np.zeros((d, d))
    for (i, j), value in zip(upper, rows[-1], strict=True):
        eta[i, j] = eta[j, i] = value
    values = np.linalg.eigvalsh(eta)
    return values if np.abs(values).min() > SAME * np.abs(values).max() else None


def _bracket(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a @ b - b @ a


def _outside(a: np.ndarray, span: np.ndarray) -> float:
    """Share of a matrix outside the span of orthonormal columns; 0 for the zero matrix."""
    vector = a.ravel()
    size = np.linalg.norm(vector)
    return 0.0 if size < 1e-9 else float(np.linalg.norm(vector - span @ (span.T @ vector)) / size)
