"""Groups by name, "C4", "D8", "C4 x Z2", "SO(3)", or from the words that `Group.describe` gives."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from erlangen.errors import DomainError, UnknownName
from erlangen.symmetry.classical import GL, SL, SO, SU, O, Scaling, Sp, U
from erlangen.symmetry.euclidean import SE, E
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.group import Group
from erlangen.symmetry.planar import Z2, C, D
from erlangen.symmetry.polyhedral import I, Ih, Oh, T, cube_faces
from erlangen.symmetry.products import direct_product
from erlangen.symmetry.quaternion import Q
from erlangen.symmetry.rubik import rubiks_cube
from erlangen.symmetry.semidirect import semidirect_product, wreath_product
from erlangen.symmetry.symmetric import A, S

KNOWN = ["C<n>", "D<n>", "Z2", "G x H", "C1", "C2", "C4", "D1", "D2", "D4"]
KNOWN += ["SO(2)", "O(2)", "SO(3)", "O(3)", "SO(<n>)", "O(<n>)", "SU(2)", "U(1)", "SO(1,3)", "SO+(1,3)", "O(1,3)"]
KNOWN += ["Sp(4)", "GL(2)", "SL(3)", "E(3)", "SE(3)", "Scaling(1)"]
_CLASSICAL: dict[str, Callable[..., Group]] = {
    "SO": SO,
    "SO+": partial(SO, connected=True),
    "O": O,
    "SU": SU,
    "U": U,
    "Sp": Sp,
    "GL": GL,
    "SL": SL,
    "E": E,
    "SE": SE,
    "Scaling": Scaling,
}
KNOWN += ["S(<n>)", "A(<n>)", "Q8", "T", "O", "Oh", "I", "Ih", "cube faces", "rubik"]
_FAMILIES: dict[str, Callable[..., Group]] = {"C": C, "D": D, "S": S, "A": A, "Q": Q, **_CLASSICAL}
_SINGLE: dict[str, Callable[[], Group]] = {"Z2": Z2, "T": T, "O": O, "Oh": Oh, "I": I, "Ih": Ih}
_SINGLE |= {"cube faces": cube_faces, "rubik": rubiks_cube}


def group(name: "str | Group | Mapping[str, Any]") -> Group:
    """The group with this name or description; a group passes through.

    Raises:
        UnknownName: no group has this name; the message holds the nearest known.
    """
    if isinstance(name, Group):
        return name
    if isinstance(name, Mapping):
        return _described(dict(name))
    if not isinstance(name, str):
        raise UnknownName("group", name, KNOWN)
    factors = re.split(r"\s*[xX×]\s*", name.strip())
    if len(factors) > 1:
        result = group(factors[0])
        for factor in factors[1:]:
            result = direct_product(result, group(factor))
        return result
    word = factors[0]
    for known, build in _SINGLE.items():
        if word.lower() == known.lower():
            return build()
    match = re.fullmatch(r"([A-Za-z+]+)\(?(\d+(?:,\d+)*)\)?", word.replace(" ", ""))
    if match:
        family = next((f for f in _FAMILIES if f.lower() == match[1].lower()), None)
        numbers = [int(n) for n in match[2].split(",")]
        if family is not None and all(numbers):
            return _FAMILIES[family](*numbers)
    raise UnknownName("group", name, KNOWN)


def _described(words: dict[str, Any]) -> Group:
    if "product" in words:
        first, second = words["product"]
        return direct_product(group(first), group(second))
    if "semidirect" in words:
        normal, acting = (group(part) for part in words["semidirect"])
        return semidirect_product(_listed(normal), _listed(acting), words["action"], words.get("name"))
    if "wreath" in words:
        base, top = (group(part) for part in words["wreath"])
        return wreath_product(_listed(base), _listed(top), words.get("name"))
    if "permutations" in words:
        return Group.from_permutations(words["permutations"], name=words.get("name"))
    if "matrices" in words:
        return Group.from_matrices(words["matrices"], name=words.get("name"))
    if "algebra" in words:
        return Group.from_lie_algebra(
            words["algebra"], words.get("discrete"), name=words.get("name"), compact=words.get("compact")
        )
    known = ["product", "semidirect", "wreath", "permutations", "matrices", "algebra"]
    raise UnknownName("description of a group, with keys", list(words), known)


def _listed(found: Group) -> FiniteGroup:
    if not isinstance(found, FiniteGroup):
        raise DomainError(f"{found} is not listed, so it is no factor of a semidirect product")
    return found
