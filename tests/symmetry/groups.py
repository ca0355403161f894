"""The groups and representations that the property tests draw from."""

import numpy as np
from hypothesis import strategies as st

from erlangen.symmetry import (
    Z2,
    A,
    C,
    D,
    FiniteGroup,
    Group,
    O,
    Q,
    Representation,
    S,
    T,
    cube_faces,
    direct_product,
    semidirect_product,
    wreath_product,
)

D4 = D(4)
GROUPS: dict[str, FiniteGroup] = {
    **{f"C{n}": C(n) for n in (1, 2, 3, 4, 5, 6, 8)},
    **{f"D{n}": D(n) for n in (1, 2, 3, 4, 5, 6, 8)},
    "C4xZ2": direct_product(C(4), Z2()),
    "C2xC2xC2": direct_product(direct_product(C(2), C(2)), C(2)),
    "C3xC4": direct_product(C(3), C(4)),
    "C3xC3xC2": direct_product(direct_product(C(3), C(3)), C(2)),
    "C4xD3": direct_product(C(4), D(3)),
    "D3xD4": direct_product(D(3), D(4)),
    "<r90·m> in D4": D4.subgroup([5]).group,
    "<r120, r60·m> in D6": D(6).subgroup([2, 7]).group,
    "S3": S(3),
    "S4": S(4),
    "A4": A(4),
    "T": T(),
    "O": O(),
    "cube faces": cube_faces(),
    "Q8": Q(8),
    "Q12": Q(12),
    "C5:C4": semidirect_product(C(5), C(4), {"r": {"r": 2}}),
    "C2 wr C2": wreath_product(C(2), S(2)),
    "C3 wr C2": wreath_product(C(3), S(2)),
    "D4xZ2 twisted": direct_product(D4, Z2()).subgroup([2 * 1 + 1, 2 * 4]).group,  # (r90, m) and (m, e)
}
groups = st.sampled_from(list(GROUPS.values()))


def atoms(group: FiniteGroup) -> list[Representation]:
    """Every representation with a name, and one quotient and one subgroup of each kind."""
    found = [group.trivial, group.regular, *group.irreps]
    if "standard" in group.representations:
        found.append(group.standard)
    if "sign" in group.representations:
        found.append(group.sign)
    found += [group.quotient([g]) for g in list(group.generators.values())[:2]]
    return found


@st.composite
def representations(draw: st.DrawFn, most: int = 24) -> Representation:
    """A sum, a tensor product, a dual or a restriction of named representations."""
    group = draw(groups)
    atom = st.sampled_from([rep for rep in atoms(group) if rep.size <= most])
    first, second = draw(atom), draw(atom)
    kind = draw(st.sampled_from(["sum", "product", "dual", "restriction"]))
    if kind == "sum":
        return draw(st.integers(1, 3)) * first + draw(st.integers(0, 2)) * second
    if kind == "product" and first.size * second.size <= most:
        return first * second
    if kind == "restriction":
        return (first + second).restrict(group.subgroup([draw(st.sampled_from(group.elements))]))
    return first.dual


@st.composite
def permutation_groups(draw: st.DrawFn, points: int = 5) -> FiniteGroup:
    """The group that one to three random permutations of a few points generate; most are of no named family."""
    n = draw(st.integers(2, points))
    moves = draw(st.lists(st.permutations(range(n)), min_size=1, max_size=3))
    group = Group.from_permutations({f"p{i}": move for i, move in enumerate(moves)})
    if not isinstance(group, FiniteGroup):
        raise TypeError(group)
    return group


def generator_error(rep: Representation) -> float:
    """max |ρ(g a) - ρ(g) ρ(a)| over all g and the generators a: all of the homomorphism law, without a square table."""
    matrices, group = rep.matrices(), rep.group
    errors = [
        np.abs(matrices[group.table[:, a]] - matrices @ matrices[a]).max(initial=0.0) for a in group.generators.values()
    ]
    return float(max(errors, default=0.0))
