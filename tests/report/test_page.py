"""The page: well formed, self-contained, small, and true to the audit."""

import json
import re
import struct
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from torch import nn

from erlangen.audit import audit
from erlangen.blueprint import Classify, Signal, derive
from erlangen.graphs import Graph, Graphs
from erlangen.grids import Grid
from erlangen.report import Section, write_report
from erlangen.report.pictures import spring_layout
from erlangen.report.png import GREYS, encode, hex_colour

FIELD = Grid(2).field("C4", "1 trivial")
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Checker(HTMLParser):
    """Every element closed in order; remembers attributes and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, k, v) for k, v in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, k, v) for k, v in attrs]

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


@pytest.fixture(scope="module")
def audits():
    torch.manual_seed(0)
    x = torch.rand(12, 1, 16, 16)
    plain = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(196, 3))
    g = torch.Generator().manual_seed(0)
    ring = Graph.from_edges(torch.stack([torch.arange(10), torch.arange(10).roll(1)]), 10, undirected=True)
    graphs = derive(Graphs().field(None, 4), Classify(2), "tiny")
    return {
        "derived": audit(derive(FIELD, Classify(3), "tiny"), x),
        "plain <&> net": audit(plain, x, in_field=FIELD),
        "dense": audit(nn.Conv2d(1, 2, 3, padding=1), x, in_field=FIELD),
        "graph": audit(graphs, Signal(torch.randn(10, 4, generator=g), ring)),
    }


@pytest.fixture(scope="module")
def page(audits, tmp_path_factory):
    sections = [Section(name, a, {"test accuracy": 0.5}, plan="a < b & c") for name, a in audits.items()]
    table = [
        {"network": n, "worst error": a.max_error, "verdict": a.verdict, "guilty": a.guilty} for n, a in audits.items()
    ]
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert (
        write_report(path, "Does it hold? <1 & 2>", sections, table, {"command": "./run", "seed": 0}, "Four.") == path
    )
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed(page):
    checker = Checker()
    checker.feed(page)
    checker.close()
    return checker


def test_page_is_well_formed(parsed):
    assert parsed.open == []


def test_no_external_references(page, parsed):
    assert not re.search(r"https?:|//[a-z]+\.", page)
    for tag, name, value in parsed.attributes:
        if name in ("src", "href", "action", "data", "srcset"):
            assert value.startswith(("data:image/png;base64,", "#")), (tag, name, value)
    assert "url(" not in page
    assert "@import" not in page


def test_embedded_numbers_equal_the_audits(parsed, audits):
    inside = [json.loads(text) for text in parsed.scripts if text.startswith("{")]
    assert inside == [a.to_dict() for a in audits.values()]


def test_links_lead_somewhere(parsed):
    ids = [v for _, k, v in parsed.attributes if k == "id"]
    assert len(ids) == len(set(ids))
    assert {v[1:] for _, k, v in parsed.attributes if k == "href"} <= set(ids)


def test_page_is_small(page):
    assert len(page.encode()) < 2_000_000


def test_pictures_have_words(parsed):
    images = sum(tag == "img" for tag, k, _ in parsed.attributes if k == "src")
    assert images >= 9
    assert images == sum(bool(v) for tag, k, v in parsed.attributes if tag == "img" and k == "alt")
    drawings = [v for tag, k, v in parsed.attributes if tag == "svg" and k == "aria-label"]
    assert len(drawings) > 10
    assert all(drawings)


def test_the_page_says_what_was_found(page, audits):
    for words in (
        "Does it hold? &lt;1 &amp; 2&gt;",
        "plain &lt;&amp;&gt; net",
        "stride 2 on size 16",
        "Remedy",
        "✗ broken",
        "✓ exact",
    ):
        assert words in page
    assert page.count('class="banner') == len(audits)


def test_one_audit_saves_itself(audits, tmp_path):
    text = audits["derived"].save(tmp_path / "audit.html").read_text()
    assert "Audit of Network" in text


def test_png_decodes_to_its_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    data = encode(pixels)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, body = 8, b""
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind, content = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack(">I", data[position + 8 + length : position + 12 + length])[0] == zlib.crc32(
            kind + content
        )
        if kind == b"IHDR":
            assert struct.unpack(">II", content[:8]) == (7, 5)
        body += content if kind == b"IDAT" else b""
        position += 12 + length
    lines = np.frombuffer(zlib.decompress(body), np.uint8).reshape(5, 22)
    assert (lines[:, 1:].reshape(5, 7, 3) == pixels).all()


def test_colours_run_from_end_to_end():
    assert hex_colour(0.0, 0.0, 1.0, GREYS) == "#101218"
    assert hex_colour(2.0, 0.0, 1.0, GREYS) == "#fafaf7"


def test_layout_keeps_neighbours_near():
    path = spring_layout(8, [[i, i + 1] for i in range(7)])
    assert path.min() >= 0
    assert path.max() <= 1
    near = np.linalg.norm(path[1:] - path[:-1], axis=1).mean()
    assert near < np.linalg.norm(path[:, None] - path[None], axis=2).mean()
    assert np.isfinite(spring_layout(1, [])).all()
