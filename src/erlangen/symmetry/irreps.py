"""Real irreducible representations of any finite group with a multiplication table.

Characters say what there is. Each irrep then lives inside the functions on some cosets G/K where it occurs seldom,
often once: there a projection (and, if it occurs more than once, one random symmetric matrix of the commutant) cuts
out a single copy. Only generators are restricted to it; the other elements are their products.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.cayley import tabulate
from erlangen.symmetry.component import TOLERANCE

if TYPE_CHECKING:
    from erlangen.symmetry.finite import FiniteGroup
    from erlangen.symmetry.representation import Representation

_MATCH = 1e-6  # characters of two different irreps differ by far more


def real_irreps(group: "FiniteGroup", standard: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Every real irrep, orthogonal, named irrep(k) by position: small ones first, irrep(0) the trivial one.

    Args:
        group: the group.
        standard: its defining action, as `FiniteGroup` takes it; where it is by matrices that are orthogonal and
            irreducible, they are the irrep of their class.

    Returns:
        name -> [|G|, d, d] float64.

    Source: J.-P. Serre, Linear Representations of Finite Groups, sections 2.6 and 13.2.
    """
    characters = real_characters(group)
    first = [int(one[0]) for one in group.conjugacy_classes]
    keys = {_key(c.values[first]): k for k, c in enumerate(characters)}
    linear = [c.values for c in characters if c.values[0] == 1]
    found: dict[int, np.ndarray] = {}
    if standard is not None and standard.ndim == 3 and _orthogonal(standard):
        k = keys.get(_key(_character(standard)[first]))
        if k is not None and characters[k].values[0] > 1:
            found[k] = standard
    for k, c in enumerate(characters):
        if k in found:
            continue
        if c.values[0] == 1:
            found[k] = c.values[:, None, None]
        elif c.chi[0] == 1:  # one complex dimension: cos and sin
            real, imag = c.chi.real, c.chi.imag
            found[k] = np.stack([np.stack([real, -imag], 1), np.stack([imag, real], 1)], 1) + 0.0
        else:
            twists = ((e, found.get(keys.get(_key((e * c.values)[first]), -1))) for e in linear)
            twist = next(((e, known) for e, known in twists if known is not None), None)
            found[k] = _cut_out(group, c) if twist is None else twist[0][:, None, None] * twist[1] + 0.0
    return {f"irrep({k})": found[k] for k in range(len(characters))}


class RealCharacter(NamedTuple):
    """The character of a real irrep.

    Args:
        values: [|G|] float64.
        kind: dimension of its commutant: 1 real, 2 complex, 4 quaternionic type.
        chi: [|G|] complex128, a complex irreducible character in it: values = chi, chi + its conjugate, or 2 chi.
    """

    values: np.ndarray
    kind: int
    chi: np.ndarray


def real_characters(group: "FiniteGroup") -> list[RealCharacter]:
    """The characters of all real irreps: small ones first, the trivial one before all others.

    A complex irrep of real type is one; two conjugate ones of complex type add up to one; one of quaternionic type
    counts twice.
    """
    table = group.character_table
    values, every = table.values, []
    conjugate = np.abs((values * table.sizes) @ values.T).argmax(axis=1)  # ⟨χ_i, conj χ_j⟩ = 1 for one j
    for i, (chi, indicator) in enumerate(zip(values, table.indicators, strict=True)):
        if conjugate[i] >= i:
            psi = chi.real if indicator == 1 else 2 * chi.real
            kind = {1: 1, 0: 2, -1: 4}[int(indicator)]
            every.append(RealCharacter(psi[group.class_of], kind, chi[group.class_of]))
    return sorted(every, key=lambda c: (c.values[0], tuple(-c.values.round(6))))


def type_dimension(irrep: "Representation") -> int:
    """dim of the commutant of a real irrep: 1 for real type, 2 for complex, 4 for quaternionic."""
    return round(float(irrep.character @ irrep.character) / len(irrep.character))


def split(matrices: np.ndarray) -> list[np.ndarray]:
    """The distinct real irreps inside an orthogonal representation that is given as a whole.

    A generic symmetric matrix that commutes with every ρ(g) has one irrep in each eigenspace: on an isotypic part of m
    copies the commutant is the m x m matrices over R, C or H, and generic Hermitian ones have m different eigenvalues.

    Args:
        matrices: [|G|, n, n], ρ(g) orthogonal for every element.

    Returns:
        One [|G|, d, d] array for each class of irreps: small ones first, the trivial one (if any) before all others.

    Source: J. Dixon, Computing irreducible representations of groups, Math. Comp. 24 (1970), 707-712.
    """
    vectors, starts = max((_eigenspaces(matrices, seed) for seed in range(4)), key=lambda found: found[2])[:2]
    found: list[np.ndarray] = []
    for start, stop in zip(starts, [*starts[1:], matrices.shape[1]], strict=True):
        basis = vectors[:, start:stop]
        irrep = snap(basis.T @ matrices @ basis)
        if not any(_same(_character(irrep), _character(other)) for other in found):
            found.append(irrep)
    return sorted(found, key=lambda irrep: (irrep.shape[1], tuple(-_character(irrep).round(6))))


def snap(matrices: np.ndarray) -> np.ndarray:
    """Entries that are whole or half numbers to rounding, made exactly so."""
    halves = np.round(2 * matrices) / 2
    return np.where(np.abs(matrices - halves) < TOLERANCE, halves, matrices) + 0.0


def _cut_out(group: "FiniteGroup", character: RealCharacter) -> np.ndarray:
    """The irrep with this real character, [|G|, d, d]."""
    psi, kind, _ = character
    size, table = round(float(psi[0])), group.table
    fixed, cyclic = _cyclic_subgroup(group, psi)
    place, members = _cosets(table, cyclic)
    first, points = members[:, 0], len(members)
    # the isotypic part of the functions on G/K: the range of Σ_k ψ(x_i k x_j⁻¹), of dimension size · fixed / kind
    to_inverse = table[members[:, :, None], group.inverses[first]]  # x_i k x_j⁻¹
    projection = psi[to_inverse].sum(axis=1)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        copies, _ = np.linalg.qr(projection @ rng.standard_normal((points, size * fixed // kind)))
        copies, _ = np.linalg.qr(projection @ copies)  # once more, for the rounding of an ill-conditioned draw
        if fixed > kind:
            copies = copies @ _one_eigenspace(copies.T @ _commuting(group, members, rng) @ copies, size)
        basis = copies @ _legible(copies)
        images = {}
        for a in group.generators.values():
            u, _, v = np.linalg.svd(basis[place[table[a, first]]].T @ basis)
            images[a] = snap(u @ v)
        matrices = snap(tabulate(table, images, size))
        if _same(_character(matrices), psi):
            return matrices
    raise DomainError(f"the irrep of {group} of size {size} does not separate in float64 in 8 random attempts")


def _cyclic_subgroup(group: "FiniteGroup", psi: np.ndarray) -> tuple[int, np.ndarray]:
    """(dimension of the vectors that K fixes, K) for the cyclic K that fixes fewest, but some; large K first."""
    best: tuple[int, np.ndarray] = (round(float(psi[0])), np.zeros(1, np.int64))
    for one in group.conjugacy_classes:
        powers = [0]
        while (g := int(group.table[powers[-1], one[0]])) != 0:
            powers.append(g)
        fixed = round(float(psi[powers].mean()))
        if 0 < fixed < best[0] or (fixed == best[0] and len(powers) > len(best[1])):
            best = fixed, np.array(powers)
    return best


def _cosets(table: np.ndarray, subgroup: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the number of the coset of every element, [cosets, |K|] the elements x_i k of every coset; K first)."""
    place, members = np.full(len(table), -1), []
    for x in range(len(table)):
        if place[x] < 0:
            place[table[x, subgroup]] = len(members)
            members.append(table[x, subgroup])
    return place, np.array(members)


def _commuting(group: "FiniteGroup", members: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random symmetric matrix on functions of cosets that commutes with the group: Σ_kl a(k⁻¹ x_i⁻¹ x_j l)."""
    a = rng.standard_normal(len(group.table))
    a = a + a[group.inverses]
    flat = members.ravel()
    values = a[group.table[group.inverses[flat][:, None], flat]]
    return values.reshape(*members.shape, *members.shape).sum(axis=(1, 3))


def _one_eigenspace(matrix: np.ndarray, size: int) -> np.ndarray:
    """Eigenvectors of the eigenvalue farthest from all others; all have multiplicity `size`."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    levels = values.reshape(-1, size).mean(axis=1)
    gaps = np.diff(levels, prepend=-np.inf, append=np.inf)
    k = int(np.minimum(gaps[:-1], gaps[1:]).argmax())
    return vectors[:, k * size : (k + 1) * size]


def _legible(basis: np.ndarray) -> np.ndarray:
    """The turn [d, d] to Gram-Schmidt axes of the images of points, which does not depend on how the basis was found.

    The next point is always one whose image is farthest from the span of those before, so that an orthogonal set of
    images, where there is one, makes the matrices signed permutations.
    """
    rest, axes = basis.copy(), list[np.ndarray]()
    for _ in range(basis.shape[1]):
        lengths = np.linalg.norm(rest, axis=1)
        i = int(np.flatnonzero(lengths > lengths.max() - 1e-6 * lengths[0].clip(1e-3))[0])
        axis = rest[i] / lengths[i]
        for other in axes:
            axis = axis - (axis @ other) * other
        axis = axis / np.linalg.norm(axis)
        axes.append(axis)
        rest = rest - np.outer(rest @ axis, axis)
    return np.stack(axes, axis=1)


def _eigenspaces(matrices: np.ndarray, seed: int) -> tuple[np.ndarray, list[int], float]:
    """(eigenvectors, first column of every eigenspace, smallest gap) of a random symmetric matrix of the commutant."""
    n = matrices.shape[1]
    random = np.random.default_rng(seed).standard_normal((n, n))
    average = np.zeros((n, n))
    for matrix in matrices:
        average += matrix @ (random + random.T) @ matrix.T
    values, vectors = np.linalg.eigh(average / len(matrices))
    steps = np.diff(values)
    jumps = steps > 1e-8
    return vectors, [0, *(np.flatnonzero(jumps) + 1).tolist()], float(steps[jumps].min(initial=np.inf))


def _character(matrices: np.ndarray) -> np.ndarray:
    return np.trace(matrices, axis1=1, axis2=2)


def _key(values: np.ndarray) -> bytes:
    return (values.round(5) + 0.0).tobytes()


def _same(chi: np.ndarray, psi: np.ndarray) -> bool:
    return abs(chi[0] - psi[0]) < _MATCH and float(np.abs(chi - psi).max()) < _MATCH


def _orthogonal(matrices: np.ndarray) -> bool:
    return bool(np.abs(matrices @ matrices.transpose(0, 2, 1) - np.eye(matrices.shape[1])).max() < TOLERANCE)
