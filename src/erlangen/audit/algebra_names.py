"""Which known Lie algebra a set of matrices spans."""

from itertools import combinations

import numpy as np

SAME = 0.05  # two subspaces are the same up to this sine of the largest angle between them
Entry = tuple[str, np.ndarray]


def name_algebra(found: np.ndarray) -> tuple[tuple[str, ...], int, float]:
    """The known algebras inside the span of matrices, and how far commutators leave the span.

    If the span is a known algebra, that name alone; else those of its parts. The algebra of a form η, that is of all A
    with A^T η + η A = 0, is recognised in any basis by its form.

    Args:
        found: [k, d, d] a basis.

    Returns:
        Names such as ("so(3)",) or ("so(2) in the plane 12", "scaling"), the dimension of what they span, and the
        largest share of a commutator outside the span (0 for an algebra).
    """
    k, d = found.shape[:2]
    span = np.linalg.qr(found.reshape(k, -1).T)[0]
    basis = span.T.reshape(k, d, d)
    closed = max((outside(a @ b - b @ a, span) for a, b in combinations(basis, 2)), default=0.0)
    inside = [(name, part) for name, part in _catalogue(d) if all(outside(a, span) < SAME for a in part)]
    whole = [name for name, part in inside if len(part) == k]
    if whole:
        return (whole[0],), k, closed
    form = _form(basis) if k == d * (d - 1) // 2 else None
    if form is not None:
        return (_of_form(form),), k, closed
    return *_largest(inside), closed


def _catalogue(d: int) -> list[Entry]:
    """(name, basis) of the algebras that are looked for, largest first."""
    units = np.eye(d * d).reshape(d, d, d, d)  # units[i, j] = E_ij
    found: list[Entry] = [(f"gl({d})", units.reshape(-1, d, d)), ("scaling", np.eye(d)[None])]
    if d > 1:
        mixed = [units[i, j] for i in range(d) for j in range(d) if i != j]
        turns = _skew(units, [1] * d)
        found.append((f"sl({d})", np.array(mixed + [units[i, i] - units[i + 1, i + 1] for i in range(d - 1)])))
        found.append((f"so({d}) and scaling", np.concatenate([turns, np.eye(d)[None]])))
        found.append((f"so({d})", turns))
        for axis in range(1 if d == 2 else d):
            boosts = _skew(units, [-1 if i == axis else 1 for i in range(d)])
            where = "" if axis == 0 else f" with time along {axis + 1}"
            found.append((f"so(1,{d - 1}){where}", boosts))
        for i in range(d):
            found.append((f"any change of coordinate {i + 1}", units[i]))
            found.append((f"scaling along {i + 1}", units[i, i][None]))
    if d > 2:
        for i, j in combinations(range(d), 2):
            found.append((f"so(2) in the plane {i + 1}{j + 1}", (units[i, j] - units[j, i])[None]))
    return sorted(found, key=lambda entry: -len(entry[1]))


def _skew(units: np.ndarray, metric: list[int]) -> np.ndarray:
    """A basis of all A with A^T η + η A = 0 for a diagonal η of signs."""
    pairs = combinations(range(len(metric)), 2)
    return np.array([metric[j] * units[i, j] - metric[i] * units[j, i] for i, j in pairs])


def _largest(inside: list[Entry]) -> tuple[tuple[str, ...], int]:
    """Those that do not lie in the span of larger ones that are named already, and the dimension of all."""
    names: list[str] = []
    rows = np.zeros((0, 0))
    for name, part in inside:
        flat = part.reshape(len(part), -1)
        both = np.concatenate([rows.reshape(-1, flat.shape[1]), flat])
        if np.linalg.matrix_rank(both) > len(rows):
            names.append(name)
            rows = np.linalg.svd(both, full_matrices=False)[2][: np.linalg.matrix_rank(both)]
    return tuple(names), len(rows)


def _form(basis: np.ndarray) -> np.ndarray | None:
    """The form η with A^T η + η A = 0 for all A, if there is exactly one and it is not degenerate, [d, d]."""
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
    return eta if np.abs(values).min() > SAME * np.abs(values).max() else None


def _of_form(eta: np.ndarray) -> str:
    """The algebra of a form by its signature, with the form written out, "so(2) of x1² + 4 x2²"."""
    d = len(eta)
    values = np.linalg.eigvalsh(eta)
    plus, minus = int((values > 0).sum()), int((values < 0).sum())
    signature = str(d) if not min(plus, minus) else f"{min(plus, minus)},{max(plus, minus)}"
    eta = (2 - np.eye(d)) * eta  # as it is written, x1 x2 once
    largest = eta.ravel()[np.abs(eta).argmax()]
    eta = eta / (largest if plus == minus else abs(largest) * np.sign(plus - minus))
    text = ""
    for i in range(d):
        for j in range(i, d):
            value = eta[i, j]
            if abs(value) < 0.01:
                continue
            sign = ("" if value > 0 else "−") if not text else (" + " if value > 0 else " − ")
            factor = "" if abs(abs(value) - 1) < 5e-3 else f"{abs(value):.2g} "
            text += f"{sign}{factor}x{i + 1}" + ("²" if i == j else f" x{j + 1}")
    return f"so({signature}) of {text}"


def outside(a: np.ndarray, span: np.ndarray) -> float:
    """Share of an array outside the span of orthonormal columns; 0 for zero.

    Args:
        a: any shape with m entries.
        span: [m, k].
    """
    vector = a.ravel()
    size = np.linalg.norm(vector)
    return 0.0 if size < 1e-9 else float(np.linalg.norm(vector - span @ (span.T @ vector)) / size)
