"""Equivariant maps by linear algebra on generators, one generator at a time.

The conditions ρ_out(h) W = W ρ_in(h) and dρ_out(A) W = W dρ_in(A) are of one form, P W = W Q. Candidates come first: if
H is a Hermitian element of the group algebra (or of the enveloping algebra), then H_out W = W H_in too, and W can
only connect eigenvectors u, v of H_out and H_in with equal eigenvalues. A generic H tells irreps apart, so the few
products u v* left replace all size_out · size_in unknowns. Then every condition in turn cuts the candidates down to the
null space of their residuals, by singular values.

For groups that are not compact, H is built from the generators that are skew, those of a compact subgroup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from erlangen.errors import GapError
from erlangen.symmetry import Component

ZERO = 1e-10  # relative singular values below are zero, if nothing else is stated
CLEAR = 1e-4  # and above are not; anything between is a question that the caller must answer

Images = tuple[np.ndarray, np.ndarray]  # of one element, in ρ_in and in ρ_out
Condition = tuple[str, np.ndarray, np.ndarray]  # (name of the generator, P, Q): P W = W Q


@dataclass(frozen=True)
class Gap:
    """How clearly the singular values fall into zero and not zero, relative to the size of the generators.

    Args:
        zero: the largest singular value taken for zero.
        rest: the smallest one that is not; infinite if there is none.
    """

    zero: float
    rest: float

    def join(self, other: "Gap") -> "Gap":
        """Of two steps, the less clear."""
        return Gap(max(self.zero, other.zero), min(self.rest, other.rest))

    def __str__(self) -> str:
        return f"{self.zero:.1e} | {self.rest:.1e}"


def conditions(rho_in: Component, rho_out: Component) -> list[Condition]:
    """P W = W Q for every generator of the group, and every generator of its Lie algebra."""
    found = [(name, rho_out.derivatives[name], rho_in.derivatives[name]) for name in rho_in.group.algebra]
    found += [(name, rho_out.generators[name], rho_in.generators[name]) for name in rho_in.group.generators]
    return found


def null_space(rho_in: Component, rho_out: Component, tolerance: float | None, seed: int) -> tuple[np.ndarray, Gap]:
    """A basis of {W : P W = W Q for every generator}.

    Args:
        rho_in: representation of the input.
        rho_out: representation of the output, of the same group.
        tolerance: relative singular values up to this are zero; None asks for a clear gap between 1e-10 and 1e-4.
        seed: of the random Hermitian element.

    Returns:
        (basis [dim, size_out, size_in], orthonormal in the Frobenius product; the gap).

    Raises:
        GapError: singular values that are neither zero nor clearly not.
    """
    todo = conditions(rho_in, rho_out)
    basis = candidates(rho_in, rho_out, max(CLEAR, 10 * (tolerance or 0.0)), seed)
    gap = Gap(0.0, np.inf)
    for name, p, q in todo:
        if not len(basis):
            break
        basis, here = cut(basis, name, p, q, tolerance)
        gap = gap.join(here)
    if not rho_in.is_complex and not rho_out.is_complex:
        basis = _real(basis)
    return basis, gap


def cut(basis: np.ndarray, name: str, p: np.ndarray, q: np.ndarray, tolerance: float | None) -> tuple[np.ndarray, Gap]:
    """The part of an orthonormal basis [d, o, i] on which P W = W Q."""
    scale = max(np.linalg.norm(p, 2), np.linalg.norm(q, 2), 1e-300)
    residual = (p @ basis - basis @ q) / scale
    _, values, right = np.linalg.svd(residual.reshape(len(basis), -1).T, full_matrices=len(basis) > basis[0].size)
    values = np.concatenate([values, np.zeros(len(right) - len(values))])
    kept, gap = decide(values, name, tolerance)
    return np.tensordot(right[~kept].conj(), basis, axes=1), gap


def decide(values: np.ndarray, name: str, tolerance: float | None) -> tuple[np.ndarray, Gap]:
    """Which relative singular values are not zero, and the gap.

    Raises:
        GapError: the gap is too small to decide.
    """
    limit = ZERO if tolerance is None else tolerance
    kept = values > limit
    zero, rest = float(values[~kept].max(initial=0.0)), float(values[kept].min(initial=np.inf))
    unclear = rest < CLEAR if tolerance is None else rest < 5 * max(zero, tolerance / 5)
    if unclear:
        near = np.sort(values[values > ZERO / 100])
        listed = ", ".join(f"{v:.1e}" for v in near[:12]) + (", …" if len(near) > 12 else "")
        doubtful = float(near[near < max(CLEAR, limit)].max(initial=limit))
        raise GapError(
            f"the singular values at generator {name} do not separate zero from non-zero: {listed} (relative). Either "
            f"the generators carry an error of that size, or two of them nearly coincide. Fix: state what counts as "
            f"zero, as in solve(..., tolerance={10 * doubtful:.0e}), or give the generators to full precision."
        )
    return kept, Gap(zero, rest)


def candidate_count(rho_in: Component, rho_out: Component, seed: int) -> int | None:
    """How many candidates there would be; None if no Hermitian element is at hand."""
    pair = hermitian(rho_in, rho_out, seed)
    if pair is None:
        return None
    y, x = np.linalg.eigvalsh(pair[0]), np.linalg.eigvalsh(pair[1])
    width = CLEAR * max(np.abs(x).max(initial=0.0), np.abs(y).max(initial=0.0), 1e-300)
    return int((np.searchsorted(y, x + width) - np.searchsorted(y, x - width)).sum())


def candidates(rho_in: Component, rho_out: Component, width: float, seed: int) -> np.ndarray:
    """Matrices that span all solutions, and more: u v* for equal eigenvalues of a random Hermitian element.

    Returns:
        [d, size_out, size_in], orthonormal, complex; all unit matrices if no Hermitian element is at hand.
    """
    pair = hermitian(rho_in, rho_out, seed)
    n_out, n_in = rho_out.size, rho_in.size
    if pair is None:
        return np.eye(n_out * n_in).reshape(-1, n_out, n_in)
    h_in, h_out = pair
    (x, u), (y, v) = np.linalg.eigh(h_out), np.linalg.eigh(h_in)
    scale = max(np.abs(x).max(initial=0.0), np.abs(y).max(initial=0.0), 1e-300)
    rows, columns = np.nonzero(np.abs(x[:, None] - y[None]) <= width * scale)
    return u.T[rows][:, :, None] * v.conj().T[columns][:, None, :]


def hermitian(rho_in: Component, rho_out: Component, seed: int) -> Images | None:
    """The images of one random Hermitian element of the group algebra, (in ρ_in, in ρ_out); None if there is none."""
    random = np.random.default_rng(seed)
    terms: list[Images] = []
    for one, two in _words(rho_in, rho_out, random):
        c, d = random.standard_normal(2)
        terms.append((_hermitian_part(one, c, d), _hermitian_part(two, c, d)))
    skew = _skew(rho_in, rho_out)
    for _ in range(3 if skew else 0):
        weights, c = random.standard_normal(len(skew)), random.standard_normal()
        one, two = _combine(weights, skew)
        terms.append((1j * one + c * (one @ one), 1j * two + c * (two @ two)))
    return _combine(np.ones(len(terms)), terms) if terms else None


def _hermitian_part(m: np.ndarray, c: float, d: float) -> np.ndarray:
    return c * (m + m.conj().T) + 1j * d * (m - m.conj().T)


def _combine(weights: np.ndarray, pairs: Sequence[Images]) -> Images:
    """Σ w_k (M_k, N_k), both sums."""
    return tuple(np.tensordot(weights, np.stack(side), axes=1) for side in zip(*pairs, strict=True))  # type: ignore


def _words(rho_in: Component, rho_out: Component, random: np.random.Generator) -> Iterable[Images]:
    """Images of the unitary discrete generators, and of a few random products of them."""
    letters = [
        (rho_in.generators[name], rho_out.generators[name])
        for name in rho_in.group.generators
        if _is_unitary(rho_in.generators[name]) and _is_unitary(rho_out.generators[name])
    ]
    yield from letters
    for _ in range(4 if len(letters) > 1 else 0):
        word = [letters[i] for i in random.integers(len(letters), size=6)]
        one, two = word[0]
        for a, b in word[1:]:
            one, two = one @ a, two @ b
        yield one, two


def _skew(rho_in: Component, rho_out: Component) -> list[Images]:
    """Combinations of the algebra whose images are skew in both representations: the algebra of a compact subgroup."""
    names = list(rho_in.group.algebra)
    if not names:
        return []
    pairs = [(rho_in.derivatives[n], rho_out.derivatives[n]) for n in names]
    symmetric = np.stack([np.concatenate([(m + m.conj().T).ravel() for m in pair]) for pair in pairs], axis=1)
    stacked = np.concatenate([symmetric.real, symmetric.imag])
    _, values, right = np.linalg.svd(stacked.T @ stacked)
    return [_combine(row, pairs) for row in right[values <= 1e-12 * max(values[0], 1.0)]]


def _is_unitary(m: np.ndarray) -> bool:
    return bool(np.allclose(m @ m.conj().T, np.eye(len(m)), atol=1e-9))


def _real(basis: np.ndarray) -> np.ndarray:
    """A real orthonormal basis of the real part of a space that is closed under complex conjugation."""
    if not np.iscomplexobj(basis) or not len(basis):
        return basis.real.astype(np.float64)
    flat = basis.reshape(len(basis), -1)
    _, _, right = np.linalg.svd(np.concatenate([flat.real, flat.imag]), full_matrices=False)
    return right[: len(basis)].reshape(basis.shape)
