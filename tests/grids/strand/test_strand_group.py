"""The reverse complement on letters, words, tokens, tracks and frames."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlangen import Grid, Strand
from erlangen.blueprint import space_from
from erlangen.errors import DataError, DomainError, FieldError, UnknownName
from erlangen.grids import point_matrices
from erlangen.grids.strand import RC, one_hot, partners, read_letters, reverse_complement

TEXT = st.text("ACGT", min_size=1, max_size=40)


@given(TEXT)
def test_letters_move_as_texts_do(text: str) -> None:
    """The one-hot signal of the other strand is the action of rc, and reads as the reverse complement."""
    field = Strand().field("RC", "letters")
    moved = field.act(1, one_hot(text))
    assert torch.equal(moved, one_hot(reverse_complement(text)))
    assert read_letters(moved) == [reverse_complement(text)]
    assert reverse_complement(reverse_complement(text)) == text


@pytest.mark.parametrize("unknown", [0.0, 0.25])
def test_unknown_letters_stay_unknown(unknown: float) -> None:
    field = Strand().field(None, "letters")
    x = one_hot(["ACNNGT", "nacgtt"], unknown=unknown)
    assert torch.equal(field.act(1, x), one_hot(["ACNNGT", "AACGTN"], unknown=unknown))
    assert x.sum(1).unique().tolist() in ([0.0, 1.0], [1.0])
    assert read_letters(x) == ["ACNNGT", "NACGTT"]


def test_letters_of_both_cases_are_told_apart_where_the_alphabet_does() -> None:
    assert one_hot("Aa", alphabet="ACGTacgt").argmax(1).tolist() == [[0, 4]]
    assert one_hot("mcM", alphabet="ACGTm").argmax(1).tolist() == [[4, 1, 4]]
    pairs = {"A": "T", "T": "A", "M": "G", "G": "M", "m": "w", "w": "m"}
    assert reverse_complement("mAgG", pairs) == "MmTw"
    with pytest.raises(DataError, match="no ASCII letter"):
        one_hot("A", alphabet="ACGTΨ")


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_words_move_to_their_reverse_complements(k: int) -> None:
    words = ["".join(w) for w in product("ACGT", repeat=k)]
    image = RC().kmers(k).signed(1)[0]
    assert [words[i] for i in image] == [reverse_complement(w) for w in words]
    palindromes = int((image == np.arange(4**k)).sum())
    assert palindromes == (4 ** (k // 2) if k % 2 == 0 else 0)
    assert tuple(image.tolist()) == partners(words)


@pytest.mark.parametrize(
    "text", ["letters", "3 kmers(2)", "2 regular + sign + 3 trivial", "frames", "frames_from_left(100)", "standard"]
)
def test_string_forms_are_involutions_and_read_back(text: str) -> None:
    rep = RC().representation(text)
    assert torch.equal(rep(1) @ rep(1), torch.eye(rep.size, dtype=torch.float64))
    assert RC().representation(repr(rep)) == rep
    field = Strand(12).field("RC", text)
    x = torch.randn(2, field.size, 12)
    assert torch.equal(field.act(1, field.act(1, x)), x)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=10).map(lambda v: np.argsort(np.argsort(v)).tolist()))
def test_any_involution_is_a_representation_and_nothing_else_is(image: list[int]) -> None:
    if [image[i] for i in image] == list(range(len(image))):
        rep = RC().involution(*image)
        assert RC().representation(repr(rep)) == rep
    else:
        with pytest.raises(FieldError, match="no involution"):
            RC().involution(*image)


def test_rna_and_methylated_letters_and_vocabularies() -> None:
    assert partners("ACGU") == (3, 2, 1, 0)
    methylated = {"A": "T", "C": "G", "G": "C", "T": "A", "m": "w", "w": "m"}  # a methylated C, and the G opposite
    assert partners("ACGTmw", methylated) == (3, 2, 1, 0, 5, 4)
    assert partners(["A", "T", "CG", "AAC", "GTT"]) == (1, 0, 2, 4, 3)
    with pytest.raises(DataError, match="reverse complement 'GTT'"):
        partners(["A", "T", "AAC"])
    tracks = RC().tracks((1, 0, 2))
    assert tracks.decompose() == {"irrep(0)": 2, "irrep(1)": 1}


@pytest.mark.parametrize("length", [30, 31, 32])
def test_frames_counted_from_the_left(length: int) -> None:
    """Codon starts of both strands: where a frame goes, by enumeration."""
    image = RC().frames_from_left(length).signed(1)[0]
    for frame in range(3):
        starts = [t for t in range(length - 2) if t % 3 == frame]  # this strand reads t, t + 1, t + 2
        mirrored = {(length - 1 - t) % 3 for t in starts}  # on the other strand the codon starts at its right end
        assert mirrored == {int(image[frame]) - 3}
        assert int(image[image[frame]]) == frame


def test_shifts_and_rc_make_the_six_frames_the_regular_representation_of_a_triangle() -> None:
    """A shift by one letter takes frame f of this strand to f + 1 and of the other, from its 5' end, to f - 1."""
    shift = np.array([1, 2, 0, 5, 3, 4])
    rc = RC().frames.signed(1)[0]
    order3, order2 = shift[shift[shift]], rc[rc]
    assert (order3 == np.arange(6)).all()
    assert (order2 == np.arange(6)).all()
    assert (rc[shift[rc]] == np.argsort(shift)).all()  # rc · t · rc = t⁻¹
    orbit, front = {0}, [0]
    while front:
        front = [j for i in front for j in (int(shift[i]), int(rc[i])) if j not in orbit]
        orbit |= set(front)
    assert len(orbit) == 6  # free and transitive: six elements on six frames


def test_without_the_symmetry() -> None:
    field = Strand().field("C1", "letters")
    assert field.rep.is_trivial
    assert field.size == 4
    restricted = Strand().field("RC", "letters").rep.restrict(field.group)
    assert restricted.group == field.group
    with pytest.raises(UnknownName, match="sign"):
        Strand().field("C1", "sign")


def test_spaces() -> None:
    assert space_from(Strand(1000).describe()) == Strand(1000)
    assert Strand() != Strand(7)
    assert Strand() != Grid(1)
    assert (repr(Strand()), repr(Strand(7))) == ("Strand()", "Strand(7)")
    assert point_matrices(RC(), 1).tolist() == [[[1.0]], [[-1.0]]]
    assert [a.label for a in Strand(9).actions(RC(), torch.zeros(1, 4, 9))] == [
        "rc",
        "shift-x+1",
        "shift-x+2",
        "shift-x+4",
    ]


def test_mistakes_teach() -> None:
    with pytest.raises(UnknownName, match="Known: RC, C1"):
        Strand().field("C4")
    with pytest.raises(DomainError, match="positive"):
        Strand(0)
    with pytest.raises(DataError, match="'X' at position 2 of sequence 1"):
        one_hot(["ACGT", "ACXT"])
    with pytest.raises(DataError, match="crop or pad"):
        one_hot(["ACGT", "ACG"])
    with pytest.raises(DataError, match="is not among"):
        one_hot("ACGÜ")
    with pytest.raises(DataError, match="'B' has no complement"):
        reverse_complement("ABC")
    with pytest.raises(FieldError, match="1 to 8 letters"):
        RC().kmers(9)
