"""Equivariant maps between signed permutations, by orbits of entries: exact integers, no linear algebra.

W = ρ_out(h) W ρ_in(h)⁻¹ says that W[h·a, h·b] = ± W[a, b]. So entries of one orbit share one free weight, up to sign,
and an orbit in which some entry meets its own negative is zero.
"""

from collections.abc import Sequence

import numpy as np

from erlangen.symmetry.component import SignedPermutation


def orbits(moves: Sequence[SignedPermutation], size: int) -> tuple[int, np.ndarray, np.ndarray]:
    """The orbits of signed indices under some signed permutations.

    Args:
        moves: (image, sign), both [size].
        size: number of indices.

    Returns:
        (number of orbits that are not zero, index [size] of the orbit, sign [size] relative to the orbit's first entry,
        0 where the orbit is zero; there index is 0 too).
    """
    signed = any((sign < 0).any() for _, sign in moves)
    if not signed:
        head = _components([image for image, _ in moves], size)
        heads, index = np.unique(head, return_inverse=True)
        return len(heads), index.reshape(size), np.ones(size, np.int64)
    doubled = []  # index e with sign + is node 2e, with sign - node 2e + 1
    for image, sign in moves:
        flip = (sign < 0).astype(np.int64)
        doubled.append(np.stack([2 * image + flip, 2 * image + 1 - flip], axis=1).ravel())
    label = _components(doubled, 2 * size).reshape(size, 2)
    head, negative = label[:, 0] // 2, label[:, 0] % 2
    zero = label[:, 0] == label[:, 1]
    heads = np.unique(head[~zero])
    index = np.zeros(size, np.int64)
    index[~zero] = np.searchsorted(heads, head[~zero])
    return len(heads), index, np.where(zero, 0, 1 - 2 * negative)


def pair_moves(
    moves_out: dict[str, SignedPermutation], moves_in: dict[str, SignedPermutation], size_out: int, size_in: int
) -> list[SignedPermutation]:
    """What every generator does to the entries (a, b) of a matrix, entry (a, b) being number a·size_in + b."""
    found = []
    for name in moves_out.keys() | moves_in.keys():
        image_out, sign_out = moves_out.get(name, _still(size_out))
        image_in, sign_in = moves_in.get(name, _still(size_in))
        image = (image_out[:, None] * size_in + image_in).ravel()
        found.append((image, (sign_out[:, None] * sign_in).ravel()))
    return found


def _still(size: int) -> SignedPermutation:
    return np.arange(size), np.ones(size, np.int64)


def _components(images: Sequence[np.ndarray], size: int) -> np.ndarray:
    """The smallest index in the orbit of every index: labels flow along the moves, with pointer jumping."""
    label = np.arange(size)
    while True:
        before = label
        for image in images:
            label = np.minimum(label, label[image])
            moved = label.copy()
            moved[image] = np.minimum(label[image], label)
            label = moved
        for _ in range(4):
            label = label[label]
        if np.array_equal(label, before):
            return label
