"""A page for every domain: valid, self-contained, small, its fields drawn as what they are, quiet in a browser."""

import json
import re

import html5lib
import pytest
import torch
from browser import Browser, chromium
from torch import nn

from erlangen.audit import audit
from erlangen.blueprint import Classify, Predict, Regress, Segment, Signal, derive
from erlangen.errors import DataError
from erlangen.graphs import Graph, Graphs
from erlangen.grids import Grid, HexGrid, Strand
from erlangen.grids.hexagon.lattice import masked
from erlangen.learn import Comparison
from erlangen.point import Point

WIDTHS = (1280, 390)


def image(group="C4", rep="1 trivial"):
    return Grid(2).field(group, rep)


def molecule():
    ring = Graph.from_edges(torch.stack([torch.arange(9), torch.arange(9).roll(1)]), 9, undirected=True)
    return Signal(torch.randn(9, 3), ring)


def broken():
    return nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(196, 3))


def strand_letters():
    space = Strand(24)
    letters = torch.nn.functional.one_hot(torch.randint(4, (4, 24)), 4).float().movedim(2, 1)
    return derive(space.field("RC", "letters"), Classify(2), "tiny", width=0.5), letters


# name -> (network and samples, words of the audit, what the page must show)
CASES = {
    "images": (lambda: (derive(image(), Classify(3), "tiny"), torch.rand(4, 1, 16, 16)), {}, "one tile an element"),
    "arrows": (
        lambda: (
            derive(image("D4"), Predict("standard"), "tiny", hidden="regular + 2 standard"),
            torch.rand(3, 1, 12, 12),
        ),
        {"continuous": False},
        'class="arrow"',
    ),
    "broken": (lambda: (broken(), torch.rand(4, 1, 16, 16)), {"in_field": image()}, "Remedy"),
    "volumes": (
        lambda: (derive(Grid(3).field("O", 1), Segment(2), "tiny", width=0.5), torch.rand(2, 1, 6, 6, 6)),
        {"continuous": False},
        'class="frames"',
    ),
    "hexagons": (
        lambda: (derive(HexGrid(4).field("C6", 1), Classify(2), "tiny", width=0.5), masked(torch.rand(3, 1, 9, 9))),
        {"continuous": False},
        "one tile an element",
    ),
    "strands": (strand_letters, {"continuous": False}, 'class="letter A"'),
    "lines": (
        lambda: (derive(Grid(1).field("D1", 1), Classify(2), "tiny", width=0.5), torch.randn(3, 1, 32)),
        {"continuous": False},
        "curve thin",
    ),
    "graphs": (lambda: (derive(Graphs().field(None, 3), Classify(2), "tiny"), molecule()), {}, 'class="node"'),
    "vectors": (
        lambda: (derive(Point().field("O(3)", "2 standard"), Regress(1), "tiny"), torch.randn(6, 6)),
        {},
        "Families of symmetries",
    ),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """name -> (audit, file)"""
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, (build, words, _) in CASES.items():
        torch.manual_seed(0)
        model, samples = build()
        found = audit(model, samples, elements=3, **words)
        made[name] = found, found.save(folder / f"{name}.html")
    return made


@pytest.mark.parametrize("name", CASES)
def test_every_domain_has_a_valid_page(name, pages):
    found, file = pages[name]
    text = file.read_text()
    html5lib.HTMLParser(strict=True).parse(text)  # raises at the first error
    assert CASES[name][2] in text
    assert len(text.encode()) < 2_000_000
    assert not re.search(r"https?:|url\(|@import", text)
    inside = re.search(r'<script type="application/json" id="model-1-audit">(.*?)</script>', text, re.S)
    assert json.loads(inside[1]) == found.to_dict()


def test_a_slider_has_one_frame_a_motion(pages):
    found, file = pages["images"]
    frames = found.picture["frames"]
    assert [f["action"] for f in frames if f["exact"]] == ["r90", "r180", "r270"]
    assert file.read_text().count('class="frame"') == len(frames)
    for frame in frames:
        a, b = (torch.tensor(v) for v in frame["values"])
        if frame["exact"]:
            torch.testing.assert_close(a, b, rtol=1e-2, atol=1e-3)


def test_fields_are_those_of_the_layers(pages):
    found, _ = pages["arrows"]
    forms = {p["what"]: p["form"] for row in found.picture["fields"] for p in row["parts"]}
    assert forms["vector"] == "arrows"
    assert forms["regular"] == "map"
    assert len(found.picture["fields"]) <= 10
    tiles = [p for row in found.picture["fields"] for p in row["parts"] if p["what"] == "regular"]
    assert all(len(p["values"]) == 8 for p in tiles)


def test_what_cannot_be_written_leaves_the_old_page(pages, tmp_path):
    found, _ = pages["vectors"]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError):
        found.save(tmp_path / "file" / "audit.html")
    assert (tmp_path / "file").read_text() == "in the way"


def comparison():
    scores = lambda seed, bonus: {  # noqa: E731
        pose: {"accuracy": 0.6 + bonus + 0.01 * seed, "flips": 0.0, "error": 1e-7, "loss": 1.0}
        for pose in ("upright", "moved")
    }
    same = {"group": "C4", "judged": 50, "parameters": 1000, "epochs": 3, "seconds": 2.0, "threads": 1}
    same |= {"fallback": False, "data": "made up"}
    cells = [
        {"training": arm, "seed": seed, "examples": n, "scores": {arm: scores(seed, bonus)}, **same}
        for arm, bonus in (("plain", 0.0), ("derived", 0.2))
        for seed in range(3)
        for n in (100, 1000)
    ]
    plan = {"match": "parameters", "minutes": None, "epochs": 3, "folds": False, "size": "tiny", "settings": {}}
    return Comparison(plan, ["plain", "derived"], cells, data="made-up <data>")


def test_a_comparison_has_a_page(tmp_path):
    found = comparison()
    text = found.save(tmp_path / "comparison.html").read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "made-up &lt;data&gt;" in text
    assert "The symmetry helped".lower() in text.lower()
    inside = re.search(r'<script type="application/json" id="comparison">(.*?)</script>', text, re.S)
    assert json.loads(inside[1])["verdict"] == found.verdict.name == "helped"
    assert text.count('class="mean"') == 2 * 2 * 2  # arms, sizes, poses


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("dark", [False, True])
def test_pages_are_quiet_and_fit_desks_and_phones(dark, pages, tmp_path):
    comparison().save(tmp_path / "comparison.html")
    files = [file for _, file in pages.values()] + [tmp_path / "comparison.html"]
    with Browser(dark=dark) as browser:
        for file in files:
            for width in WIDTHS:
                browser.resize(width, 900)
                browser.open(file.as_uri())
                browser.wait("document.readyState === 'complete'")
                assert browser.run("document.documentElement.scrollWidth") <= width, (file.name, width)
        assert browser.complaints == []
        assert all(url.startswith(("file:", "data:")) for url in browser.requests)


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")
def test_the_slider_shows_one_motion_at_a_time(pages):
    found, file = pages["images"]
    with Browser() as browser:
        browser.open(file.as_uri())
        browser.wait("document.readyState === 'complete'")
        shown = "[...document.querySelectorAll('.frame')].map(f => !f.hidden)"
        assert browser.run(shown).index(True) == 0
        browser.run("const s = document.querySelector('.dial input'); s.value = 1; s.dispatchEvent(new Event('input'))")
        assert browser.run(shown) == [i == 1 for i in range(len(found.picture["frames"]))]
        assert found.picture["frames"][1]["action"] in browser.run("document.querySelector('.dial output').textContent")
