"""What hidden fields are made of: the regular representation, or functions up to a frequency."""

from erlangen.blueprint import Field
from erlangen.symmetry import Component, FiniteGroup, Group
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations

FREQUENCY = 2  # of functions on the circle, for SO(2) and O(2): 5 channels, all of which 3×3 taps can feed
DEGREE = 2  # of functions on the sphere, for SO(3) and O(3): 9 channels


def hidden_of(field: Field) -> str:
    """One hidden copy, in words, for a network with this input.

    Of a finite group: every function on it. Of SO(2), O(2), SO(3), O(3): every function on the circle or the sphere up
    to a frequency. Of a product with an infinite group: those of the first factor, alone and times what the second
    factor moves in the input.
    """
    if not isinstance(field.group, DirectProduct):
        return " + ".join(_functions(field.group))
    first = [f"first({term})" for term in _functions(field.group.factors[0])]
    beside = [f"{c}" for _, c in field.rep.terms if _moved(c, field.group)]
    return " + ".join([*first, *(f"{term}*{name}" for name in dict.fromkeys(beside) for term in first)])


def _functions(group: Group) -> list[str]:
    if isinstance(group, FiniteGroup):
        return ["regular" if group.order > 1 else "trivial"]
    if isinstance(group, PlaneRotations):
        turned = range(1, FREQUENCY + 1)
        if group.reflections:
            return ["irrep(0,0)", *(f"irrep(1,{k})" for k in turned)]
        return ["irrep(0)", *(f"irrep({k})" for k in turned)]
    if isinstance(group, SpaceRotations):
        return [f"irrep({n},{n % 2})" if group.reflections else f"irrep({n})" for n in range(DEGREE + 1)]
    return ["trivial"]


def _moved(component: Component, group: DirectProduct) -> bool:
    """Whether the second factor moves its channels, and it has a name to be called by."""
    first, second = group.factors
    movers = [*second.generators.values(), *second.sample(1)]
    moved = any(abs(component.on((first.identity, h)) - component.on(group.identity)).max() > 1e-9 for h in movers)
    return moved and "(" in component.name
