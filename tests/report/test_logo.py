"""Sequence logos: heights are bits, pairs of strands are shown once, planted motifs are found."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
import torch
from torch import nn

import erlangen as eg
from erlangen.audit.motifs import filter_motifs, first_kernel, information, partners
from erlangen.data import motifs as simulated
from erlangen.errors import DataError
from erlangen.grids.strand import one_hot, reverse_complement
from erlangen.report import sequence_logo, write_logo
from erlangen.report.logo import consensus, logos


def detector(word: str, both: bool) -> nn.Module:
    """A convolution that looks for a word, and with it for the word on the other strand."""
    kernels = [one_hot(word)[0] - 0.5]
    if both:
        kernels.append(kernels[0].flip(0, 1))
    layer = nn.Conv1d(4, len(kernels), len(word), bias=False)
    layer.weight.data = torch.stack(kernels)
    return nn.Sequential(layer, nn.AdaptiveMaxPool1d(1), nn.Flatten())


def test_information_is_two_bits_where_one_letter_stands_and_none_where_all_do() -> None:
    counts = torch.tensor([[10000.0, 2500, 5000], [0, 2500, 5000], [0, 2500, 0], [0, 2500, 0]])
    assert torch.allclose(information(counts), torch.tensor([2.0, 0.0, 1.0]), atol=1e-3)
    few = information(torch.tensor([[3.0], [0], [0], [0]]))
    assert 1.2 < float(few) < 1.3  # 2 - 3 / (6 ln 2): three windows are no proof
    assert torch.equal(information(torch.zeros(4, 2)), torch.zeros(2))


@pytest.mark.parametrize("both", [False, True])
def test_a_planted_motif_is_found(both: bool) -> None:
    data = eg.data.load("motifs", train=300, error=0.1)
    found = filter_motifs(detector(simulated.CTCF, both), data.train.signals)
    assert [m["filter"] for m in found] == [0]
    assert found[0]["partner"] == (1 if both else None)
    assert consensus(found[0]["counts"]) == simulated.CTCF
    alone = filter_motifs(detector(simulated.CTCF, False), data.train.signals)[0]["sites"]
    assert found[0]["sites"] > 1.5 * alone if both else found[0]["sites"] == alone


def test_strands_are_read_alike_by_a_palindrome() -> None:
    word = "ACGTACGTACGT"
    assert reverse_complement(word) == word
    kernel = first_kernel(detector(word, False))
    assert kernel is not None
    assert partners(kernel) == [0]
    assert partners(first_kernel(detector(simulated.GATA, False))) == [None]


def test_each_pair_of_a_derived_network_is_shown_once_also_after_export() -> None:
    data = eg.data.load("motifs", train=200)
    torch.manual_seed(0)
    net = eg.derive(data.field(), data.task, "tiny").eval()
    for model in (net, net.export()):
        kernel = first_kernel(model)
        other = partners(kernel)
        assert all(other[j] == i for i, j in enumerate(other))
        found = filter_motifs(model, data.train.signals, most=100)
        shown = [m["filter"] for m in found]
        assert len(shown) == len(set(shown)) <= len(kernel) // 2
        assert not set(shown) & {m["partner"] for m in found}


def test_the_other_strand_gives_the_same_logos() -> None:
    data = eg.data.load("motifs", train=100)
    net = eg.derive(data.field(), data.task, "tiny")
    x = data.train.signals
    first, second = filter_motifs(net, x), filter_motifs(net, data.field().act(1, x))
    assert [(m["filter"], m["counts"]) for m in first] == [(m["filter"], m["counts"]) for m in second]


def test_a_dilated_filter_shows_the_letters_that_it_reads() -> None:
    """A, anything twice, C, anything twice, G."""
    conv = nn.Conv1d(4, 1, 3, dilation=3, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        for tap in range(3):
            conv.weight[0, tap, tap] = 1.0
    letters = torch.randint(4, (50, 60), generator=torch.Generator().manual_seed(0))
    x = nn.functional.one_hot(letters, 4).float().movedim(-1, 1)
    (motif,) = filter_motifs(nn.Sequential(conv), x)
    shares = torch.tensor(motif["counts"]).float() / motif["sites"]
    assert shares.shape == (4, 7)
    assert min(shares[0, 0], shares[1, 3], shares[2, 6]) > 0.6  # 0.7: two of three are enough to fire
    assert shares[:, [1, 2, 4, 5]].max() < 0.4


def test_networks_without_letters_have_no_logos() -> None:
    assert filter_motifs(nn.Linear(3, 2), torch.zeros(2, 4, 30)) == []
    assert filter_motifs(nn.Conv1d(4, 2, 9), torch.zeros(2, 4, 5)) == []
    assert filter_motifs(nn.Conv1d(4, 2, 3), torch.zeros(0, 4, 5)) == []


def test_a_logo_is_well_formed_and_its_letters_are_as_high_as_they_say(tmp_path) -> None:
    counts = [[100, 0, 50], [0, 0, 50], [0, 100, 0], [0, 0, 0]]
    drawing = sequence_logo(counts, "mine")
    ElementTree.fromstring(drawing)
    assert 'aria-label="mine: AGA"' in drawing or 'aria-label="mine: AGC"' in drawing
    heights = [float(h) for h in re.findall(r"scale\([\d.]+,([\d.]+)\)", drawing)]
    bits = information(torch.tensor(counts, dtype=torch.float64))
    assert heights == pytest.approx([30 * float(bits[0]), 30 * float(bits[1]), *2 * [15 * float(bits[2])]], abs=0.02)
    path = write_logo(counts, tmp_path / "logo.svg")
    ElementTree.fromstring(path.read_text())
    with pytest.raises(DataError, match=r"a logo is \.svg"):
        write_logo(counts, tmp_path / "logo.png")
    for wrong in ([[1, 2]], [[1], [-1], [0], [0]], torch.zeros(4, 0)):
        with pytest.raises(DataError, match="counts"):
            sequence_logo(wrong)
    with pytest.raises(DataError, match=r"these are shares, .* Fix: multiply by the number of sites"):
        sequence_logo([[0.7, 0.1], [0.1, 0.1], [0.1, 0.1], [0.1, 0.7]])
    assert "scale" not in sequence_logo([[1], [0], [0], [0]])  # one site says little
    for odd in (float("nan"), float("inf")):
        with pytest.raises(DataError, match=r"1 of the counts .* the first at \[2, 1\]\. Fix"):
            sequence_logo([[1, 1], [1, 1], [1, odd], [1, 1]])


def test_the_page_of_an_audit_shows_the_logos(tmp_path) -> None:
    data = eg.data.load("motifs", train=64, test=64)
    net = eg.derive(data.field(), data.task, "tiny")
    audit = eg.audit(net, data, samples=32)
    page = audit.save(tmp_path / "audit.html").read_text()
    names = [logo["name"] for logo in logos(audit.picture["motifs"])]
    assert names
    assert all(f"<b>{name}</b>" in page for name in names)
    assert page.count('aria-label="filters') == len(names)
    assert "shown once" in page
