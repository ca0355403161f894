"""BibTeX for exactly the methods that are used, and no source without an entry."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import erlangen
from erlangen import Classify, Graphs, Grid, Segment, derive
from erlangen.blueprint import EquivariantModule
from erlangen.cite import METHODS, _of, cite, references, sources
from erlangen.errors import FieldError, UnknownName
from erlangen.graphs import NodeNorm
from erlangen.grids import Conv
from erlangen.solve import solve, solve_kernel
from erlangen.symmetry import group

NOT_WORKS = (
    "degree l as the top part",  # explanations that name no work
    "over the real numbers",
    "the weights 1/t_σ",
    "the form of d_t",
    "the property is biconnectedness",
    "the format is described",
)
ROOMS = ("symmetry", "solve", "blueprint", "point", "grids", "graphs", "audit", "adapt", "learn", "report")


def keys(bibtex: str) -> set[str]:
    return set(re.findall(r"^@\w+\{(\w+),", bibtex, re.M))


def parse(bibtex: str) -> dict[str, dict[str, str]]:
    """Entries of BibTeX, read one bracket at a time."""
    entries, at = {}, 0
    while (start := bibtex.find("@", at)) >= 0:
        head = re.compile(r"@(\w+)\{(\w+),").match(bibtex, start)
        assert head, bibtex[start : start + 40]
        depth, end = 1, head.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(bibtex[end], 0)
            end += 1
        body = bibtex[head.end() : end - 1]
        fields, place = {}, 0
        while (field := re.compile(r"\s*(\w+) = \{").match(body, place)) is not None:
            depth, stop = 1, field.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(body[stop], 0)
                stop += 1
            fields[field[1]] = body[field.end() : stop - 1]
            rest = re.compile(r",?\s*").match(body, stop)
            place = rest.end() if rest else stop
        assert not body[place:].strip(), f"{head[2]}: cannot read {body[place:]!r}"
        assert head[2] not in entries, f"{head[2]} twice"
        entries[head[2]] = fields | {"kind": head[1]}
        at = end
    return entries


def public_sources() -> list[tuple[str, str]]:
    """(name, source) of every docstring of the library that names one."""
    found = []
    for room in ROOMS:
        package = importlib.import_module(f"erlangen.{room}")
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"erlangen.{room}.{info.name}")
            things = [module, *(v for v in vars(module).values() if callable(v))]
            for thing in things:
                if getattr(thing, "__module__", module.__name__) == module.__name__ and "Source:" in (
                    thing.__doc__ or ""
                ):
                    found += [(f"{module.__name__}.{getattr(thing, '__name__', '')}", text) for text in _of(thing)]
    return found


def test_the_file_is_bibtex() -> None:
    text = Path(erlangen.__path__[0], "references.bib").read_text()
    entries = parse(text)
    assert list(entries) == [r.key for r in references()]
    for key, fields in entries.items():
        assert fields["title"]
        assert fields["author"]
        if key != "erlangen":
            assert re.fullmatch(r"(1[89]|20)\d\d", fields["year"])
            assert re.sub(r"\D", "", key) == fields["year"]
            assert any(name in fields for name in ("journal", "booktitle", "publisher"))
    for reference in references():
        assert {n: " ".join(v.split()) for n, v in entries[reference.key].items() if n != "kind"} == reference.fields


def test_every_source_has_an_entry() -> None:
    found = public_sources()
    assert len(found) > 25
    missing = [
        (name, text)
        for name, text in found
        if not text.startswith(NOT_WORKS) and not any(r.is_named_in(text) for r in references())
    ]
    assert not missing
    for text, _ in METHODS.values():
        assert not text or any(r.is_named_in(text) for r in references())


def test_no_work_is_listed_for_nothing() -> None:
    texts = [text for _, text in public_sources()] + [text for text, _ in METHODS.values()]
    assert {r.key for r in references() if not any(r.is_named_in(text) for text in texts)} == {"erlangen"}


def test_a_text_names_one_work() -> None:
    for _, text in public_sources():
        named = [
            r.key for r in references() if any(r.is_named_in(part) for part in re.split(r"[;,] (?=[A-Z]\. )", text))
        ]
        assert len(named) <= 1 or "Sims" in text, (text, named)


def test_erlangen_is_cited_as_its_file_says() -> None:
    from erlangen import __version__

    entries = parse(cite())
    assert list(entries) == ["erlangen", "bronstein2021"]
    cff = Path(__file__).parents[1].joinpath("CITATION.cff").read_text()
    assert entries["erlangen"]["title"] in cff
    assert f"version: {entries['erlangen']['version']}" in cff
    assert entries["erlangen"]["version"] == __version__
    assert entries["erlangen"]["license"] in cff
    assert entries["erlangen"]["author"].strip("{}") in cff


def test_a_network_cites_the_methods_inside() -> None:
    image = Grid(2).field("C4", "1 trivial")
    convolutional = keys(cite(derive(image, Classify(3), "tiny")))
    assert {"erlangen", "bronstein2021", "cohen2016", "weiler2019"} <= convolutional
    assert not convolutional & {"kipf2017", "xu2019", "zaheer2017", "finzi2021"}
    nodes = Graphs().field(None, 4)
    assert keys(cite(derive(nodes, Segment(3), "tiny"))) == {"erlangen", "bronstein2021", "kipf2017"}
    assert {"xu2019", "zaheer2017"} < keys(cite(derive(nodes, Classify(3), "tiny")))
    assert keys(cite(Conv(image, image.with_rep("1 regular")))) == {"erlangen", "cohen2016", "weiler2019"}


def test_a_source_of_one_option_is_cited_with_that_option() -> None:
    nodes = Graphs().field(None, 4)
    assert "cai2021" in keys(cite(NodeNorm(nodes, "graph")))
    assert "cai2021" not in keys(cite(NodeNorm(nodes, "batch")))
    assert "cai2021" in keys(cite(NodeNorm))


def test_solutions_cite_their_method() -> None:
    turns, places = group("SO(3)"), group("S4")
    assert keys(cite(solve(turns.standard, turns.standard))) == {"erlangen", "finzi2021"}
    assert keys(cite(solve(places.standard, places.standard))) == {"erlangen", "finzi2021", "maron2019"}
    kernels = solve_kernel((3, 3), "C4", "trivial", "regular")
    assert keys(cite(kernels)) == {"erlangen", "finzi2021", "maron2019", "cohen2019"}


def test_names_and_what_has_none() -> None:
    assert keys(cite("GraphConvolution")) == {"erlangen", "kipf2017"}
    assert keys(erlangen.cite("point.Gate")) == {"erlangen", "weiler2018", "finzi2021"}
    with pytest.raises(UnknownName, match="Did you mean 'GraphConvolution'"):
        cite("GraphConvolutoin")
    with pytest.raises(FieldError, match="give a network"):
        cite(3)
    assert sources(EquivariantModule) == []
