"""The string form of representations: "4 regular + 2 irrep(1)"."""

import re

from erlangen.errors import FieldError, UnknownName
from erlangen.symmetry.group import Group
from erlangen.symmetry.representation import Representation

_TERM = re.compile(r"^\s*(?:(\d+)\s*\*?\s*)?([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*$")


def parse(group: Group, spec: "str | int | Representation") -> Representation:
    """Read "4 regular + 2 irrep(1)" as a representation of `group` (see `Group.representation`)."""
    if isinstance(spec, Representation):
        if spec.group != group:
            raise FieldError(f"expected a representation of {group}, got {spec} of {spec.group}; restrict it first")
        return spec
    if isinstance(spec, int):
        return spec * group.trivial
    total = Representation(group, ())
    if spec.strip() == "0":
        return total
    for term in spec.split("+"):
        match = _TERM.match(term)
        if match is None:
            raise FieldError(f"cannot read {term.strip()!r} in {spec!r}; write terms like '4 regular + 2 irrep(1)'")
        total = total + int(match[1] or 1) * _part(group, match[2], match[3])
    return total


def _part(group: Group, name: str, arguments: str | None) -> Representation:
    from erlangen.symmetry.finite import FiniteGroup

    known = group.representations
    if arguments is None and name in known:
        return getattr(group, name)
    if arguments is not None and isinstance(group, FiniteGroup):
        if name == "quotient":
            return group.quotient(arguments.strip())
        if name == "irrep" and re.fullmatch(r"[\d\s,]+", arguments):
            return group.irrep(*(int(label) for label in arguments.split(",") if label.strip()))
    written = name if arguments is None else f"{name}({arguments})"
    raise UnknownName(f"representation of {group}", written, known)
