"""Weyl's integration formula, against known dimensions, sampling, and null spaces of the generators."""

import numpy as np
import pytest
import torch

from erlangen.errors import DomainError
from erlangen.symmetry import GL, SE, SL, SO, SU, A, C, D, E, Group, O, Representation, S, Sp, U, direct_product, group
from erlangen.symmetry.torus import characters
from erlangen.symmetry.weyl import character_inner, classes, haar_mean


def by_null_space(rho: Representation, sigma: Representation) -> int:
    """dim Hom(ρ, σ) as the null space of all generators at once, which knows nothing of characters."""
    rows = [np.zeros((1, rho.size * sigma.size))]
    for h in rho.group.generators.values():
        rows.append(np.kron(sigma.on(h), np.linalg.inv(rho.on(h)).T) - np.eye(rho.size * sigma.size))
    for a in rho.group.algebra:
        rows.append(np.kron(sigma.derivative(a), np.eye(rho.size)) - np.kron(np.eye(sigma.size), rho.derivative(a).T))
    singular = np.linalg.svd(np.concatenate(rows), compute_uv=False)
    return rho.size * sigma.size - int((singular > 1e-9 * max(1.0, singular.max())).sum())


TABLE = [
    ("O(3)", 1, 1, 1),
    ("O(3)", 1, 2, 0),
    ("SO(3)", 1, 2, 1),
    ("O(3)", 2, 2, 3),
    ("SO(3)", 2, 3, 6),
    ("O(3)", 3, 3, 15),
    ("SO(1,3)", 1, 1, 1),
    ("SO(1,3)", 2, 2, 4),
    ("O(1,3)", 2, 2, 3),
    ("O(1,3)", 1, 3, 3),
    ("SU(2)", 1, 1, 1),
    ("SU(2)", 2, 2, 2),
    ("SL(3)", 3, 0, 1),
    ("SO(5)", 5, 0, 1),
    ("Sp(4)", 2, 2, 3),
    ("O(4)", 4, 4, 105),
]


@pytest.mark.parametrize(("name", "rank_in", "rank_out", "dimension"), TABLE)
def test_known_dimensions(name: str, rank_in: int, rank_out: int, dimension: int) -> None:
    v = group(name).standard  # type: ignore[attr-defined]
    assert character_inner(v**rank_in, v**rank_out) == pytest.approx(dimension, abs=1e-8)


NAMES = ["SO(1)", "SO(2)", "SO(3)", "SO(4)", "O(1)", "O(2)", "O(3)", "O(4)", "U(1)", "U(2)", "SU(2)", "SU(3)"]
NAMES += [
    "SO(1,1)",
    "SO(2,1)",
    "O(1,2)",
    "SO(1,3)",
    "SO+(1,3)",
    "O(1,3)",
    "SO(2,2)",
    "Sp(2)",
    "Sp(4)",
    "GL(2)",
    "SL(2)",
]
NAMES += ["SL(3)", "Scaling(2)"]


@pytest.mark.parametrize("name", NAMES)
def test_characters_agree_with_null_spaces(name: str) -> None:
    v = group(name).standard  # type: ignore[attr-defined]
    small = [v.group.trivial, v, v.dual, v * v, v * v.dual, 2 * v + v.group.trivial]
    if "pseudoscalar" in v.group.representations:
        small.append(v.group.representation("pseudoscalar*standard*standard"))
    for rho in small:
        for sigma in small:
            if rho.size * sigma.size <= 256:
                inner = character_inner(rho, sigma)
                assert inner is not None
                assert abs(inner - by_null_space(rho, sigma)) < 1e-8, (rho, sigma)


@pytest.mark.parametrize("found", [SO(2), O(2), SO(3), O(3)], ids=str)
def test_irreps_are_orthonormal(found: Group) -> None:
    known = {
        "SO(2)": [(0,), (1,), (4,)],
        "O(2)": [(0, 0), (1, 0), (1, 1), (1, 3)],
        "SO(3)": [(0,), (1,), (2,), (7,)],
        "O(3)": [(0, 0), (0, 1), (1, 0), (1, 1), (5, 0), (5, 1)],
    }[found.name]
    irreps = [found.irrep(*label) for label in known]  # type: ignore[attr-defined]
    gram = np.array([[character_inner(a, b) for a in irreps] for b in irreps])
    types = [2.0 if found.name == "SO(2)" and label != (0,) else 1.0 for label in known]
    assert np.abs(gram - np.diag(types)).max() < 1e-9


def test_products_multiply_dimensions() -> None:
    found = direct_product(SO(3), D(3))
    rep = found.representation("first(standard)*second(standard)")
    assert character_inner(rep, rep) == pytest.approx(1)
    assert character_inner(rep * rep, rep * rep) == pytest.approx(3 * 3)
    assert by_null_space(rep, rep) == 1
    mixed = found.representation("first(standard) + 2 second(regular)")
    assert character_inner(mixed, mixed) == pytest.approx(by_null_space(mixed, mixed))
    deep = direct_product(direct_product(SO(2), C(3)), SU(2)).representation("first(first(standard))*second(standard)")
    assert character_inner(deep, deep) == pytest.approx(by_null_space(deep, deep))


@pytest.mark.parametrize("name", ["SO(3)", "SO(4)", "O(2)", "O(3)", "O(4)", "U(2)", "SU(2)", "SU(3)"])
def test_quadrature_agrees_with_sampling(name: str) -> None:
    """The fourth moment of the character, which mixes all roots of the density."""
    found = group(name)

    def fourth(g: np.ndarray) -> np.ndarray:
        return np.abs(np.trace(g, axis1=1, axis2=2)) ** 4

    exact = haar_mean(found, fourth, 4).real
    drawn = fourth(np.stack(found.sample(40_000, torch.Generator().manual_seed(0))))
    assert abs(drawn.mean() - exact) < 5 * drawn.std() / 40_000**0.5
    total = classes(found, 0)
    assert total is not None
    assert sum(w.sum() for _, w in total) == pytest.approx(1)


def test_large_symmetric_groups() -> None:
    """Cycle types instead of elements: Bell(4) = 15 and Bell(6) = 203 maps, for n >= 4 and n >= 6 points."""
    v = S(8).standard
    assert character_inner(v * v, v * v) == pytest.approx(15)
    assert character_inner(v**3, v**3) == pytest.approx(203)
    assert character_inner(S(20).standard, S(20).standard) == pytest.approx(2)
    both = direct_product(SO(3), S(7)).representation("first(standard)*second(standard)")
    assert character_inner(both, both) == pytest.approx(2)
    total = classes(S(9), 0)
    assert total is not None
    assert total[0][1].sum() == pytest.approx(1)
    assert character_inner(A(7).standard, A(7).standard) is None


def test_given_representations_have_characters_too() -> None:
    shear = np.eye(3) + np.diag([0.5, 0.0], 1)
    skewed = SO(3).representation({a: np.linalg.inv(shear) @ m @ shear for a, m in SO(3).algebra.items()})
    assert character_inner(skewed, SO(3).standard) == pytest.approx(1)
    assert character_inner(skewed * skewed, SO(3).irrep(2)) == pytest.approx(1)
    weights = GL(2).representation({"E12": [[0]], "E21": [[0]], "scale": [[0.5]], "m": [[1]]})
    assert character_inner(weights, weights) is None, "√|det| does not extend to the complex group"
    mixed = direct_product(SO(3), GL(2)).second(weights)
    assert character_inner(mixed, mixed) is None


def test_where_no_formula_is_known() -> None:
    assert character_inner(E(3).standard, E(3).standard) is None
    assert character_inner(SE(2).standard, SE(2).standard) is None
    custom = Group.from_lie_algebra({"a": SO(3).algebra["Jz"]})
    assert character_inner(custom.standard, custom.standard) is None  # type: ignore[attr-defined]
    assert classes(SO(16), 8) is None, "too many grid points"
    with pytest.raises(DomainError, match="compact"):
        haar_mean(Sp(4), lambda g: np.ones(len(g)), 0)
    with pytest.raises(DomainError, match="one group"):
        character_inner(SO(3).standard, SO(2).standard)


def test_characters_of_many_elements_are_those_of_each() -> None:
    for rep in (
        SO(3).representation("irrep(2)*standard + 2 irrep(3)"),
        O(2).representation("pseudoscalar*standard + irrep(1,3)"),
        U(2).representation("standard*dual(standard) + trivial"),
        D(4).representation("regular + standard"),
    ):
        elements = rep.group.sample(7)
        batch = np.array(elements) if isinstance(elements[0], int) else np.stack(elements)
        assert np.allclose(characters(rep, batch), [np.trace(rep.on(g)) for g in elements], atol=1e-9)
    assert SL(2).standard.size == 2
