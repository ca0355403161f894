"""BibTeX for exactly the methods that are used: by a network, a layer, a solution.

The docstrings say where a method is from, in a paragraph that begins with "Source:"; `references.bib` holds the works.
This file only brings the two together, so a new layer is cited as soon as its docstring names a known work. The
module can be called: `erlangen.cite(network)`.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from erlangen.errors import FieldError, UnknownName

ROOMS = ("blueprint", "grids", "graphs", "point", "solve", "symmetry", "learn", "audit", "adapt", "report")
METHODS = {  # of the solver -> where the method is from, and where its docstrings are
    "orbits": ("Maron et al. 2018, arXiv 1812.09902 (orbits of index tuples)", "erlangen.solve.orbits"),
    "null space": ("", "erlangen.solve.nullspace"),
    "isotypic": ("J.-P. Serre, Linear Representations of Finite Groups, section 2.2", "erlangen.solve.schur"),
    "averaging": ("", "erlangen.solve.averaging"),
    "iteration": ("", "erlangen.solve.subspace"),
}


@dataclass(frozen=True)
class Reference:
    """One work, as BibTeX.

    Args:
        key: what a LaTeX document cites it by.
        fields: author, title, year and the others.
        bibtex: the whole entry.
    """

    key: str
    fields: dict[str, str]
    bibtex: str

    def is_named_in(self, text: str) -> bool:
        """Whether a text names this work: by its arXiv number, its title, or its first author and year."""
        number = self.fields.get("eprint")
        if number is not None and number in text:
            return True
        words = re.sub(r"[{}]", "", text).lower()
        title = re.sub(r"[{}\\']", "", self.fields["title"]).lower()
        if title in words:
            return True
        surname = re.sub(r"[{}]", "", self.fields["author"].split(",")[0]).lower()
        year = self.fields.get("year", "no year")
        return "arxiv" not in words and re.search(rf"\b{re.escape(surname)}\b", words) is not None and year in words


@cache
def references() -> tuple[Reference, ...]:
    """Every work that erlangen knows, in the order of `references.bib`."""
    found = []
    for entry in Path(__file__).with_name("references.bib").read_text(encoding="utf-8").split("\n\n"):
        head = re.match(r"@\w+\{(\w+),", entry)
        fields = {
            name: " ".join(value.split()) for name, value in re.findall(r"(\w+) = \{(.*?)\}(?=,?\n)", entry, re.S)
        }
        if head:
            found.append(Reference(head[1], fields, entry.strip()))
    return tuple(found)


def cite(what: Any = None) -> str:
    """BibTeX of erlangen and of the methods that something uses.

    Args:
        what: a network or layer, a certificate of the solver, a class or function of erlangen, or the name of one such
            as "GraphConvolution" or "point.Gate"; None for erlangen itself.

    Returns:
        The entries, separated by blank lines, erlangen first.

    Raises:
        UnknownName: nothing in erlangen has this name.
        FieldError: an object that erlangen knows no sources of.
    """
    own = references()[0]
    from erlangen import __version__

    itself = own.bibtex.replace("\n}", f",\n  version = {{{__version__}}}\n}}")
    wanted = "Bronstein et al. 2021, arXiv 2104.13478" if what is None else "; ".join(sources(what))
    return "\n\n".join([itself, *(r.bibtex for r in references()[1:] if _names(wanted, r))])


def sources(what: Any) -> list[str]:
    """What the docstrings of the methods in something name as their sources, one work an item, without repeats.

    Args:
        what: as for `cite`.
    """
    from torch import nn

    from erlangen.solve import Certificate

    if isinstance(what, str):
        found = [text for thing in _named(what) for text in _of(thing)]
    elif isinstance(what, nn.Module):
        found = [text for part in what.modules() for text in _of_layer(part)]
    elif isinstance(what, Certificate):
        found = _of_certificate(what)
    elif inspect.isclass(what) or inspect.isroutine(what):
        found = _of(what)
    elif isinstance(getattr(what, "certificate", None), Certificate):
        from erlangen.solve import solve_kernel

        found = [*_of(solve_kernel), *_of_certificate(what.certificate)]
    else:
        raise FieldError(
            f"erlangen knows no sources of {what!r}. Fix: give a network, a layer, a certificate or a name"
        )
    return list(dict.fromkeys(found))


def _names(text: str, reference: Reference) -> bool:
    return any(reference.is_named_in(part) for part in text.split(";"))


def _of(thing: Any) -> list[str]:
    """The sources in one docstring."""
    match = re.search(r"Source:(.*?)(?:\n\s*\n|\Z)", inspect.getdoc(thing) or "", re.S)
    return [" ".join(part.split()).rstrip(".") for part in match[1].split(";")] if match else []


def _of_layer(layer: Any) -> Iterator[str]:
    """The sources of a layer: those of its class, for the kind of layer that it is."""
    from erlangen.blueprint import Network, derive

    kind = type(layer)
    if not kind.__module__.startswith("erlangen."):
        return
    if isinstance(layer, Network):
        yield from _of(derive)
    for text in _of(kind) if "Source:" in (kind.__doc__ or "") else []:
        only = re.match(r'"(\w+)": ', text)  # a source of one option: `"graph": Cai et al. 2021`
        if only is None or only[1] in (v for v in vars(layer).values() if isinstance(v, str)):
            yield text


def _of_certificate(found: Any) -> list[str]:
    from importlib import import_module

    from erlangen.solve.hom import solve

    texts = _of(solve)
    for method, (text, module) in METHODS.items():
        if method in found.method:
            texts += [text] if text else []
            texts += _of(import_module(module))
    return texts


def _named(name: str) -> list[Any]:
    """The classes and functions of erlangen with a name, such as "Gate" or "point.Gate"."""
    from importlib import import_module

    room, _, last = name.rpartition(".")
    known: dict[str, list[Any]] = {}
    for place in ROOMS:
        module = import_module(f"erlangen.{place}")
        for word in module.__all__:
            value = getattr(module, word)
            if callable(value) and (not room or room == place):
                known.setdefault(word, []).append(value)
    if last not in known:
        cited = [word for word, things in known.items() if any(_of(thing) for thing in things)]
        raise UnknownName("class or function of erlangen with a source", name, cited)
    return known[last]


class _Callable(ModuleType):
    """A module that answers to a call with its main function."""

    __call__: Callable[..., str] = staticmethod(cite)


sys.modules[__name__].__class__ = _Callable
