"""Groups by name: "C4", "D8", "Z2", "C4 x Z2"."""

import re

from erlangen.errors import UnknownName
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.planar import Z2, C, D
from erlangen.symmetry.products import direct_product

KNOWN = ("C1", "C2", "C4", "D1", "D2", "D4", "C<n>", "D<n>", "Z2", "G x H")


def group(name: "str | FiniteGroup") -> FiniteGroup:
    """The finite group with this name; a group passes through.

    Raises:
        UnknownName: no group has this name; the message holds the nearest known.
    """
    if isinstance(name, FiniteGroup):
        return name
    if not isinstance(name, str):
        raise UnknownName("group", name, KNOWN)
    factors = re.split(r"\s*[xX×]\s*", name.strip())
    if len(factors) > 1:
        result = group(factors[0])
        for factor in factors[1:]:
            result = direct_product(result, group(factor))
        return result
    match = re.fullmatch(r"([CD])\(?([1-9]\d*)\)?", factors[0], re.IGNORECASE)
    if match:
        return {"C": C, "D": D}[match[1].upper()](int(match[2]))
    if factors[0].upper() == "Z2":
        return Z2()
    raise UnknownName("group", name, KNOWN)
