"""Semidirect and wreath products of finite groups."""

from collections.abc import Mapping, Sequence

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.cayley import walk
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.generated import LISTED

Automorphism = Sequence[int] | Mapping[str, int]


def semidirect_product(
    normal: FiniteGroup, acting: FiniteGroup, action: Mapping[str, Automorphism], name: str | None = None
) -> FiniteGroup:
    """The semidirect product N ⋊ H: pairs (n, h), where h moves the elements of N; pair (n, h) is element n·|H| + h.

    Args:
        normal: N.
        acting: H.
        action: for every generator of H, the automorphism of N with which it acts: the list of places to which the
            elements 0, 1, 2, … of N go, or {generator of N: the element it goes to}.
        name: the name that prints; "N:H" if not given.

    Returns:
        The group, with the generators of N and of H. Its irreps are found numerically.

    Raises:
        DomainError: an image is no automorphism of N, or the automorphisms do not compose as the elements of H do; the
            message names which.

    Law: (n, h)(n', h') = (n φ_h(n'), h h').
    """
    if set(action) != set(acting.generators):
        raise DomainError(
            f"the action needs one automorphism of {normal} for every generator of {acting}, "
            f"{', '.join(acting.generators) or 'none'}; got {', '.join(action) or 'none'}"
        )
    moves = {acting.generators[h]: _automorphism(normal, h, spec) for h, spec in action.items()}
    phi = _homomorphism(normal, acting, moves)
    size = normal.order * acting.order
    _check_size(f"{normal}:{acting}", size)
    # first axis n, second h, third n', fourth h'
    moved = phi.T  # [n', h] = φ_h(n')
    left = normal.table[:, moved].transpose(0, 2, 1)[..., None]  # n φ_h(n')
    table = (left * acting.order + acting.table[None, :, None, :]).reshape(size, size)
    return FiniteGroup(
        name or f"{normal}:{acting}",
        table,
        _generators(normal, acting),
        labels=_labels(normal.labels, acting.labels),
        factors=(
            (normal, tuple(n * acting.order for n in normal.elements)),
            (acting, tuple(acting.elements)),
        ),
        description={
            "semidirect": [normal.describe(), acting.describe()],
            "action": {h: moves[g].tolist() for h, g in acting.generators.items()},
            "name": name,
        },
    )


def wreath_product(base: FiniteGroup, top: FiniteGroup, name: str | None = None) -> FiniteGroup:
    """The wreath product B ≀ T = Bⁿ ⋊ T: one element of B for each of n points, which T permutes.

    The symmetries of n equal objects, each with its own symmetry B. If B has a defining action σ on d channels, the
    product has one on n·d channels, which turns every block of d channels and permutes the blocks.

    Args:
        base: B.
        top: T, a permutation group on n points: its `standard` representation permutes n channels.
        name: the name that prints; "B wr T" if not given.

    Returns:
        The group of order |B|ⁿ |T|; ((b_0, …, b_n-1), t) is element ((b_0 |B| + b_1) |B| + …) |T| + t.

    Raises:
        DomainError: T is no permutation group, or the product is too large to list.

    Law: (b, t)(b', t') = (b · t b', t t') with (t b')_t(i) = b'_i; standard(b, t) maps block i to block t(i) with
        σ(b_t(i)).
    """
    if "standard" not in top.representations or not top.standard.is_permutation:
        raise DomainError(
            f"the wreath product with {top} needs to know which points {top} permutes. Fix: give it by permutations, "
            f"such as S(3) or Group.from_permutations."
        )
    monomial = top.standard.terms[0][1].monomial if len(top.standard.terms) == 1 else None
    if monomial is None:
        raise DomainError(f"the defining action of {top} is no permutation of points")
    places = monomial[0]
    n, b = places.shape[1], base.order
    size = b**n * top.order
    label = name or f"{base} wr {top}"
    _check_size(label, size)
    weights = b ** np.arange(n)[::-1]
    words = np.arange(b**n)[:, None] // weights % b  # [bⁿ, n]
    moved = words[:, np.argsort(places, axis=1)] @ weights  # [bⁿ, |T|]: the word t b', (t b')_j = b'_(t⁻¹ j)
    product = base.table[words[:, None], words[None]] @ weights  # [bⁿ, bⁿ]
    left = product[:, moved].transpose(0, 2, 1)[..., None]
    table = (left * top.order + top.table[None, :, None, :]).reshape(size, size)
    generators = {}
    for i in sorted({int(orbit.min()) for orbit in (np.unique(places[:, k]) for k in range(n))}):
        generators |= {f"{g}{i}": int(h * weights[i]) * top.order for g, h in base.generators.items()}
    labels = _labels(
        tuple("e" if not any(word) else "(" + ",".join(base.labels[k] for k in word) + ")" for word in words.tolist()),
        top.labels,
    )
    return FiniteGroup(
        label,
        table,
        _merge(generators, dict(top.generators)),
        standard=_block_standard(base, words, places),
        labels=labels,
        factors=((top, tuple(top.elements)),),
        description={"wreath": [base.describe(), top.describe()], "name": name},
    )


def _block_standard(base: FiniteGroup, words: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """[|B|ⁿ |T|, n d, n d]: block (t(i), i) is σ(b_t(i)); as integer places if σ permutes points."""
    if base.defining is None:
        return None
    n, order = words.shape[1], len(words) * len(places)
    rows = places[None]  # [1, |T|, n] the block to which block i goes
    letters = np.take_along_axis(words[:, None], rows, axis=2)  # [bⁿ, |T|, n] the element b_t(i)
    if base.defining.ndim == 2:
        d = base.defining.shape[1]
        return (rows[..., None] * d + base.defining[letters]).reshape(order, n * d)
    d = base.defining.shape[1]
    matrices = np.zeros((len(words), len(places), n, d, n, d))
    top = np.arange(len(places))
    for i in range(n):
        matrices[:, top, places[:, i], :, i, :] = base.defining[
            letters[:, :, i].T
        ]  # indexed axes come first: [|T|, bⁿ]
    return matrices.reshape(order, n * d, n * d)


def _automorphism(normal: FiniteGroup, h: str, spec: Automorphism) -> np.ndarray:
    """The places to which an automorphism takes all elements of N."""
    if isinstance(spec, Mapping):
        if set(spec) != set(normal.generators):
            raise DomainError(
                f"{h} must say where each generator of {normal} goes, {', '.join(normal.generators)}; got "
                f"{', '.join(map(str, spec))}"
            )
        images = {normal.generators[a]: int(g) for a, g in spec.items()}
        move = np.zeros(normal.order, np.int64)
        for g, a, after in walk(normal.table, list(images)):
            move[after] = normal.table[move[g], images[a]]
    else:
        move = np.array([int(g) for g in spec], np.int64)
    if not np.array_equal(np.sort(move), np.arange(normal.order)):
        raise DomainError(f"{h} does not permute the {normal.order} elements of {normal}: {move.tolist()}")
    wrong = np.argwhere(move[normal.table] != normal.table[move[:, None], move])
    if len(wrong):
        a, b = (normal.label(int(g)) for g in wrong[0])
        raise DomainError(f"{h} is no automorphism of {normal}: φ({a} · {b}) differs from φ({a}) · φ({b})")
    return move


def _homomorphism(normal: FiniteGroup, acting: FiniteGroup, moves: Mapping[int, np.ndarray]) -> np.ndarray:
    """[|H|, |N|] the automorphisms φ_h of all elements of H, with φ_gh = φ_g φ_h checked."""
    phi = np.tile(np.arange(normal.order), (acting.order, 1))
    for g, a, after in walk(acting.table, list(moves)):
        phi[after] = phi[g][:, moves[a]]
    for a, move in moves.items():
        wrong = np.flatnonzero((phi[acting.table[:, a]] != phi[:, move]).any(axis=1))
        if len(wrong):
            g, after = int(wrong[0]), int(acting.table[wrong[0], a])
            raise DomainError(
                f"the automorphisms do not multiply as {acting} does: {acting.label(g)} · {acting.label(a)} = "
                f"{acting.label(after)}, but φ({acting.label(g)}) φ({acting.label(a)}) ≠ φ({acting.label(after)}). "
                f"Fix: the automorphisms must satisfy every relation of the generators of {acting}."
            )
    return phi


def _generators(normal: FiniteGroup, acting: FiniteGroup) -> dict[str, int]:
    return _merge({a: n * acting.order for a, n in normal.generators.items()}, dict(acting.generators))


def _merge(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    merged = dict(first)
    for name, g in second.items():
        while name in merged:
            name += "'"
        merged[name] = g
    return merged


def _labels(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    return tuple("e" if a == b == "e" else f"({a},{b})" for a in first for b in second)


def _check_size(name: str, size: int) -> None:
    if size > LISTED:
        raise DomainError(
            f"{name} has {size} elements: its multiplication table would need {8 * size**2 / 2**30:.3g} GiB, and "
            f"erlangen lists at most {LISTED} elements. Fix: give the generators to Group.from_permutations, which "
            f"never enumerates."
        )
