"""How a representation of the rotations of the plane or of space falls apart: multiplicities, and a change of basis.

Multiplicities come from the character on rotations about one axis, a cosine polynomial whose coefficients count
weights. The change of basis comes from the ladder: the vectors of weight 0, split by the Casimir operator, and up.
"""

from typing import TYPE_CHECKING

import numpy as np

from erlangen.errors import FieldError
from erlangen.symmetry.isotypic import Isotypic
from erlangen.symmetry.ladder import climb
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.torus import characters, highest_weight

if TYPE_CHECKING:
    from erlangen.symmetry.rotations import _Rotations

Label = tuple[int, ...]


def multiplicities(group: "_Rotations", rep: Representation) -> dict[str, int]:
    """{name of the irrep: how often it occurs}, from characters (see `SpaceRotations.multiplicities`)."""
    highest = highest_weight(rep)
    count = 2 * highest + 1
    angles = 2 * np.pi * np.arange(count) / count
    turns = np.zeros((count, group.degree, group.degree))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 0, 1], turns[:, 1, 0] = -np.sin(angles), np.sin(angles)
    if group.degree == 3:
        turns[:, 2, 2] = 1.0
    weights = _weights(characters(rep, turns))
    found: dict[Label, float] = {}
    if group.degree == 2 and not group.reflections:
        found = {(k,): weights[k] for k in range(highest + 1)}
    elif group.degree == 2:
        flipped = characters(rep, group.generators["m"][None])[0].real  # χ(m) = n(0,0) - n(1,0)
        found = {(0, 0): (weights[0] + flipped) / 2, (1, 0): (weights[0] - flipped) / 2}
        found |= {(1, k): weights[k] for k in range(1, highest + 1)}
    elif not group.reflections:
        found = {(degree,): n for degree, n in enumerate(_steps(weights))}
    else:
        inverted = _steps(_weights(characters(rep, -turns)))  # each irrep times its parity
        for degree, (both, difference) in enumerate(zip(_steps(weights), inverted, strict=True)):
            found |= {(degree, 0): (both + difference) / 2, (degree, 1): (both - difference) / 2}
    return {f"irrep({','.join(map(str, label))})": round(n) for label, n in found.items() if round(n)}


def isotypic(group: "_Rotations", rep: Representation) -> Isotypic:
    """The change of basis to irreps (see `SpaceRotations.isotypic`)."""
    if rep.is_complex or not rep.is_orthogonal:
        raise FieldError(
            f"{rep} of {group} is not orthogonal, so no orthogonal change of basis makes it a sum of irreps. "
            f"Fix: build it from trivial, standard and irreps by sums, tensor products and duals."
        )
    split = _space if group.degree == 3 else _plane
    columns: list[np.ndarray] = []
    parts: list[tuple[Representation, int, slice]] = []
    start = 0
    for label, basis in split(group, rep):  # basis: [d, n, m], channel by channel
        irrep = group.irrep(*label)
        width = basis.shape[0] * basis.shape[2]
        columns.append(basis.transpose(1, 2, 0).reshape(rep.size, width))
        parts.append((irrep, basis.shape[2], slice(start, start + width)))
        start += width
    if start != rep.size:
        raise FieldError(
            f"the irreps found in {rep} of {group} cover {start} of its {rep.size} channels, so its derivatives are "
            f"not those of a representation of {group}"
        )
    change = np.concatenate(columns, axis=1) if columns else np.zeros((0, 0))
    return Isotypic(change, tuple(parts), change.T)


def _space(group: "_Rotations", rep: Representation) -> list[tuple[Label, np.ndarray]]:
    """(label, [2l + 1, n, m]) of SO(3), or of O(3) from its even and odd subspaces."""
    j = [rep.derivative(a) for a in ("Jx", "Jy", "Jz")]
    found: list[tuple[Label, np.ndarray]] = []
    for parity, inside in _parities(group, rep, "inversion"):
        small = [inside.T @ a @ inside for a in j]
        bottom = _eigenspaces(small[2].T @ small[2]).get(0)
        if bottom is None:
            continue
        moved = np.stack(small) @ bottom
        casimir = np.einsum("ank,anl->kl", moved, moved)
        for value, vectors in _eigenspaces(casimir).items():
            degree = round((np.sqrt(1 + 4 * value) - 1) / 2)
            start = inside @ pivoted(bottom @ vectors)
            basis = climb(start, degree, lambda a, v: j[a] @ v)
            found.append(((degree, *parity), basis))
    return sorted(found, key=lambda pair: pair[0])


def _plane(group: "_Rotations", rep: Representation) -> list[tuple[Label, np.ndarray]]:
    """(label, [1 or 2, n, m]) of SO(2) or O(2)."""
    j = rep.derivative("J")
    found: list[tuple[Label, np.ndarray]] = []
    for value, vectors in _eigenspaces(j.T @ j).items():
        k = round(np.sqrt(value))
        if group.reflections:
            m = vectors.T @ rep.on(group.generators["m"]) @ vectors
            for sign, inside in _eigenspaces(m).items():
                if k == 0:
                    found.append(((0 if sign == 1 else 1, 0), pivoted(vectors @ inside)[None]))
                elif sign == -1:  # the mirror x → -x reverses cos and keeps sin
                    cos = pivoted(vectors @ inside)
                    found.append(((1, k), np.stack([cos, j @ cos / k])))
        elif k == 0:
            found.append(((0,), pivoted(vectors)[None]))
        else:
            values, waves = np.linalg.eigh(1j * (vectors.T @ j @ vectors))  # J w = i k w for w = cos - i sin
            cos = pivoted(vectors @ waves[:, values < 0]) * np.sqrt(2)
            found.append(((k,), np.stack([cos.real, -cos.imag])))
    return sorted(found, key=lambda pair: (pair[0][-1], pair[0]))


def pivoted(basis: np.ndarray) -> np.ndarray:
    """Another orthonormal basis of the same subspace, close to coordinate axes and the same for every given basis.

    The largest coordinate of what is left becomes real and positive, one after the other.
    """
    from scipy.linalg import qr

    q, r, _ = qr(basis.conj().T, pivoting=True)
    diagonal = np.diag(r)
    return basis @ (q * (diagonal / np.abs(diagonal)))


def _parities(group: "_Rotations", rep: Representation, name: str) -> list[tuple[Label, np.ndarray]]:
    """(parity label, orthonormal basis [n, k]) of the subspaces on which the reflection is 1 or -1."""
    if not group.reflections:
        return [((), np.eye(rep.size))]
    spaces = _eigenspaces(rep.on(group.generators[name]))
    return [((p,), spaces[sign]) for p, sign in ((0, 1), (1, -1)) if sign in spaces]


def _eigenspaces(symmetric: np.ndarray) -> dict[int, np.ndarray]:
    """{integer eigenvalue: orthonormal eigenvectors [n, m]} of a symmetric matrix."""
    values, vectors = np.linalg.eigh((symmetric + symmetric.T) / 2)
    if np.abs(values - values.round()).max(initial=0.0) > 1e-6:
        raise FieldError(
            f"weights of rotations are integers, found {values[np.abs(values - values.round()).argmax()]:.6g}: these "
            f"matrices are no representation of the group, or only of its double cover"
        )
    return {int(v): vectors[:, values.round() == v] for v in np.unique(values.round())}


def _weights(character: np.ndarray) -> np.ndarray:
    """How often the weights 0, 1, 2, … occur, from the character at equally spaced angles."""
    return np.fft.rfft(character.real).real / len(character)


def _steps(weights: np.ndarray) -> np.ndarray:
    """n_l - n_{l+1}: the vectors of weight l that are highest."""
    return weights - np.append(weights[1:], 0.0)
