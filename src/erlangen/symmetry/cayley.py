"""Walks through a finite group by its generators: what they generate, and what follows from their images."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def closure(table: np.ndarray, elements: Iterable[int]) -> np.ndarray:
    """The elements of the smallest subgroup that holds the given ones.

    Args:
        table: [|G|, |G|], table[g, h] = gh with identity 0.
        elements: the generating elements.

    Returns:
        Sorted integers, 0 among them.
    """
    letters = np.array(sorted({int(g) for g in elements}), np.int64)
    inside = np.zeros(len(table), bool)
    inside[0] = True
    front = np.zeros(1, np.int64)
    while front.size and letters.size:
        before = inside.copy()
        inside[table[front[:, None], letters]] = True
        front = np.flatnonzero(inside & ~before)
    return np.flatnonzero(inside)


def tabulate(table: np.ndarray, images: Mapping[int, np.ndarray], size: int) -> np.ndarray:
    """ρ(g) of every element from the images of generating elements, multiplied up along the Cayley graph.

    Args:
        table: [|G|, |G|], with identity 0.
        images: generating element -> [size, size] matrix.
        size: dimension of the representation.

    Returns:
        [|G|, size, size] float64. Whether all relations hold is not checked.

    Law: ρ(g a) = ρ(g) ρ(a).
    """
    found = np.zeros((len(table), size, size))
    found[0] = np.eye(size)
    for g, a, h in walk(table, list(images)):
        found[h] = found[g] @ images[a]
    return found


def walk(table: np.ndarray, letters: Sequence[int]) -> Iterable[tuple[np.ndarray, int, np.ndarray]]:
    """Steps (g, a, h) of a breadth-first walk from the identity, h = g a, that reach every generated element once.

    The elements g and h of one step are arrays; every g was reached in an earlier step.
    """
    known = np.zeros(len(table), bool)
    known[0] = True
    front = np.zeros(1, np.int64)
    while front.size:
        after = [np.zeros(0, np.int64)]
        for a in letters:
            h = table[front, a]
            new = ~known[h]
            if new.any():
                yield front[new], a, h[new]
                known[h[new]] = True
                after.append(h[new])
        front = np.concatenate(after)


def transversals(table: np.ndarray) -> tuple[np.ndarray, ...]:
    """Short lists T_1, T_2, … of elements such that every g is a product t_k ⋯ t_2 t_1 in exactly one way.

    They represent the cosets along a chain 1 = H_0 < H_1 < … < G, one more generator at a time, so that a sum over the
    group is a product of a few short sums: S_6 needs some twenty terms instead of 720.

    Args:
        table: [|G|, |G|], with identity 0.

    Returns:
        One integer array a step; their lengths multiply to |G|.
    """
    rng = np.random.default_rng(0)
    steps: list[np.ndarray] = []
    letters: list[int] = []
    inside = np.zeros(1, np.int64)
    while len(inside) < len(table):
        outside = np.setdiff1d(np.arange(len(table)), inside, assume_unique=True)
        tries = outside if len(outside) <= 24 else rng.choice(outside, 24, replace=False)
        letters.append(min(map(int, tries), key=lambda g: len(closure(table, [*letters, g]))))
        larger = closure(table, letters)
        left, chosen = np.zeros(len(table), bool), []
        left[larger] = True
        while left.any():
            x = int(left.argmax())
            chosen.append(x)
            left[table[x, inside]] = False
        steps.append(np.array(chosen))
        inside = larger
    return tuple(steps)
