"""The string form of representations: "4 regular + 2 irrep(1)", "standard*standard", "dual(standard)^2".

sum    = term { "+" term }
term   = [count ["*"]] power { "*" power }
power  = atom [ "^" exponent ]
atom   = name [ "(" arguments ")" ] | "dual(" sum ")" | "(" sum ")"
"""

import re

from erlangen.errors import FieldError, UnknownName
from erlangen.symmetry.group import Group
from erlangen.symmetry.representation import Representation

_OF_TEXT = ("quotient", "first", "second", "linear")  # their argument is no list of numbers
_TOKEN = re.compile(r"\s*(?:(\d+)|([A-Za-z_]\w*)|(.))")


def parse(group: Group, spec: "str | int | Representation") -> Representation:
    """Read "4 regular + 2 irrep(1)" as a representation of `group` (see `Group.representation`)."""
    if isinstance(spec, Representation):
        if spec.group != group:
            raise FieldError(f"expected a representation of {group}, got {spec} of {spec.group}; restrict it first")
        return spec
    if isinstance(spec, int):
        return spec * group.trivial
    if spec.strip() == "0":
        return Representation(group, ())
    return _Reader(group, spec).read()


class _Reader:
    """A recursive-descent reader of one string."""

    def __init__(self, group: Group, text: str) -> None:
        self.group, self.text, self.at = group, text, 0

    def read(self) -> Representation:
        """The whole string."""
        total = self._sum()
        if self._peek():
            raise self._malformed()
        return total

    def _sum(self) -> Representation:
        total = self._term()
        while self._take("+"):
            total = total + self._term()
        return total

    def _term(self) -> Representation:
        count = self._number()
        if count is not None:
            self._take("*")
        product = self._power()
        while self._take("*"):
            product = product * self._power()
        return product if count is None else count * product

    def _power(self) -> Representation:
        atom = self._atom()
        if not self._take("^"):
            return atom
        exponent = self._number()
        if exponent is None:
            raise self._malformed()
        return atom**exponent

    def _atom(self) -> Representation:
        if self._take("("):
            inner = self._sum()
            self._expect(")")
            return inner
        match = _TOKEN.match(self.text, self.at)
        if match is None or match[2] is None:
            raise self._malformed()
        self.at = match.end()
        if match[2] == "dual":
            self._expect("(")
            inner = self._sum()
            self._expect(")")
            return inner.dual
        return _named(self.group, match[2], self._arguments() if self._take("(") else None)

    def _arguments(self) -> str:
        depth, start = 1, self.at
        while self.at < len(self.text):
            depth += {"(": 1, ")": -1}.get(self.text[self.at], 0)
            self.at += 1
            if depth == 0:
                return self.text[start : self.at - 1].strip()
        raise self._malformed()

    def _number(self) -> int | None:
        match = _TOKEN.match(self.text, self.at)
        if match is None or match[1] is None:
            return None
        self.at = match.end()
        return int(match[1])

    def _peek(self) -> str:
        return self.text[self.at :].strip()[:1]

    def _take(self, symbol: str) -> bool:
        if self._peek() != symbol:
            return False
        self.at = self.text.index(symbol, self.at) + 1
        return True

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise self._malformed()

    def _malformed(self) -> FieldError:
        rest = self.text[self.at :].strip() or "the end"
        return FieldError(
            f"cannot read {self.text!r} at {rest!r}; write terms like '4 regular + 2 irrep(1)' or 'standard*standard'"
        )


def _named(group: Group, name: str, arguments: str | None) -> Representation:
    known = group.representations
    if arguments is None and name in known:
        return getattr(group, name)
    if arguments is not None and any(k.startswith(f"{name}(") for k in known):
        maker = getattr(group, name)
        if name in _OF_TEXT:
            return maker(arguments)
        labels = [label.strip() for label in arguments.split(",") if label.strip()]
        if labels and all(re.fullmatch(r"-?\d+", label) for label in labels):
            return maker(*(int(label) for label in labels))
    written = name if arguments is None else f"{name}({arguments})"
    raise UnknownName(f"representation of {group}", written, known)
