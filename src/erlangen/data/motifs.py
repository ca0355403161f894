"""Simulated DNA with planted motifs: bound or not, on which strand, and stranded profiles of counts.

The motifs are the consensus words of well-known factors, loosened by errors; the rest of a sequence is random letters.

Source: the words are those of Kim et al. 2007, Cell 128 (CTCF) and Ko and Engel 1993, MCB 13 (GATA); the profiles have
the shape of Avsec et al. 2021, Nature Genetics 53: a sharp peak on either strand beside the motif, mirrored with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from erlangen.blueprint import Profile
from erlangen.data.dataset import Dataset
from erlangen.data.dna import labelled, on_strand
from erlangen.data.split import TensorSplit
from erlangen.errors import DataError, UnknownName

Codes = NDArray[np.int64]  # letters as 0 1 2 3 = A C G T, so that 3 - code is the complement
CTCF, GATA = "CCACTAGGTGGCAG", "AGATAAGA"
TRACKS = "regular + trivial"


@dataclass(frozen=True)
class Footprint:
    """What one motif leaves in the tracks, seen from its own 5' end.

    Args:
        word: the motif.
        ahead: height of the peak on its own strand, 6 letters before it.
        behind: height of the peak on the other strand, 6 letters after it.
        broad: height of the wide bump in the track without strand.
    """

    word: str
    ahead: float
    behind: float
    broad: float


FOOTPRINTS = (Footprint(CTCF, 4.0, 2.0, 1.5), Footprint(GATA, 1.0, 3.0, 0.5))
BASE, REACH, SHARP, WIDE = 0.02, 6, 2.5, 15.0  # counts a letter without a motif; letters


def motifs(
    train: int = 2000, validation: float = 0.1, test: int = 2000, length: int = 100, error: float = 0.15, seed: int = 0
) -> Dataset:
    """Half of the sequences hold a motif (1) on a random strand, half its letters in another order (0).

    Args:
        train: sequences to learn from.
        validation: sequences to choose by, as a share of the former.
        test: sequences to report.
        length: letters a sequence.
        error: how often a letter of the motif is drawn at random instead.
        seed: of all draws.
    """
    return _planted("motifs", CTCF, True, _sizes(train, validation, test, length), length, error, seed)


def stranded_motifs(
    train: int = 2000, validation: float = 0.1, test: int = 2000, length: int = 100, error: float = 0.15, seed: int = 0
) -> Dataset:
    """Every sequence holds a motif: on this strand (1) or on the other (0). No invariant function can tell them apart.

    Args:
        train: sequences to learn from.
        validation: sequences to choose by, as a share of the former.
        test: sequences to report.
        length: letters a sequence.
        error: how often a letter of the motif is drawn at random instead.
        seed: of all draws.
    """
    return _planted("stranded-motifs", CTCF, False, _sizes(train, validation, test, length), length, error, seed)


def _planted(
    name: str, word: str, either: bool, sizes: tuple[int, int, int], length: int, error: float, seed: int
) -> Dataset:
    random = np.random.default_rng(seed)
    scrambled = "".join(random.permutation(list(word)))
    parts = []
    for size in sizes:
        labels = random.permutation(np.arange(size) % 2)
        codes = random.integers(0, 4, (size, length))
        for row, label in zip(codes, labels, strict=True):
            flipped = bool(random.integers(2)) if either else not label
            _plant(row, word if label or not either else scrambled, flipped, error, random)
        parts.append([(text(row), int(label)) for row, label in zip(codes, labels, strict=True)])
    return labelled(name, parts, 2, {"seed": seed}, None if either else "C1")


def profiles(
    train: int = 2000, validation: float = 0.1, test: int = 1000, length: int = 256, error: float = 0.1, seed: int = 0
) -> Dataset:
    """Counts along the sequence around 0 to 3 motifs: the two strands of one experiment, and a track without strand.

    Args:
        train: sequences to learn from.
        validation: sequences to choose by, as a share of the former.
        test: sequences to report.
        length: letters a sequence.
        error: how often a letter of a motif is drawn at random instead.
        seed: of all draws.
    """
    from erlangen.grids.strand import one_hot

    splits = []
    for codes, _, counts in _drawn(_sizes(train, validation, test, length), length, error, seed):
        signals = one_hot([text(row) for row in codes]) if len(codes) else torch.zeros(0, 4, length)
        splits.append(TensorSplit(signals, torch.from_numpy(counts)))
    return on_strand("profiles", length, Profile(TRACKS), splits, {"seed": seed})


def profile_rates(
    part: str,
    train: int = 2000,
    validation: float = 0.1,
    test: int = 1000,
    length: int = 256,
    error: float = 0.1,
    seed: int = 0,
) -> NDArray[np.float64]:
    """The noise-free rates [N, 3, length] behind the counts of a part of `profiles` with the same options.

    Args:
        part: "train", "validation" or "test".
        train: as in `profiles`.
        validation: as in `profiles`.
        test: as in `profiles`.
        length: as in `profiles`.
        error: as in `profiles`.
        seed: as in `profiles`.

    Raises:
        UnknownName: no such part.
    """
    parts = ("train", "validation", "test")
    if part not in parts:
        raise UnknownName("part", part, parts)
    return list(_drawn(_sizes(train, validation, test, length), length, error, seed))[parts.index(part)][1]


def _drawn(
    sizes: tuple[int, int, int], length: int, error: float, seed: int
) -> Iterator[tuple[Codes, NDArray[np.float64], NDArray[np.float32]]]:
    """Letters, rates and counts of every part."""
    random = np.random.default_rng(seed)
    for size in sizes:
        codes, rates = simulate(size, length, error, random)
        yield codes, rates, random.poisson(rates).astype(np.float32)


def simulate(count: int, length: int, error: float, random: np.random.Generator) -> tuple[Codes, NDArray[np.float64]]:
    """Sequences with motifs, and the rates of their tracks.

    Args:
        count: sequences.
        length: letters a sequence.
        error: how often a letter of a motif is drawn at random instead.
        random: source of the draws.

    Returns:
        letters [count, length] as 0 to 3; rates [count, 3, length]: this strand, the other, without strand.
    """
    codes = random.integers(0, 4, (count, length))
    rates = np.full((count, 3, length), BASE)
    for row, rate in zip(codes, rates, strict=True):
        for _ in range(random.integers(0, 4)):
            left = FOOTPRINTS[random.integers(len(FOOTPRINTS))]
            flipped = bool(random.integers(2))
            rate += footprint(left, _plant(row, left.word, flipped, error, random), flipped, length)
    return codes, rates


def footprint(motif: Footprint, start: int, flipped: bool, length: int) -> NDArray[np.float64]:
    """Rates [3, length] of a motif whose leftmost letter is at `start`; `flipped` if it lies on the other strand.

    Law: a motif that is mirrored gives tracks that are mirrored, with the two strands exchanged.
    """
    places = np.arange(length)
    if flipped:
        mirrored = footprint(motif, length - len(motif.word) - start, False, length)
        return mirrored[[1, 0, 2], ::-1]
    end = start + len(motif.word) - 1

    def bump(centre: float, width: float) -> NDArray[np.float64]:
        return np.exp(-0.5 * ((places - centre) / width) ** 2)

    ahead, behind = motif.ahead * bump(start - REACH, SHARP), motif.behind * bump(end + REACH, SHARP)
    return np.stack([ahead, behind, motif.broad * bump((start + end) / 2, WIDE)])


def text(codes: Codes) -> str:
    """Letters of the numbers 0 to 3."""
    return "".join("ACGT"[code] for code in codes)


def _plant(row: Codes, word: str, flipped: bool, error: float, random: np.random.Generator) -> int:
    """Write a word, with errors, at a random place of a row; where its leftmost letter is."""
    letters = np.array(["ACGT".index(letter) for letter in word])
    wrong = random.random(len(word)) < error
    letters = np.where(wrong, random.integers(0, 4, len(word)), letters)
    start = int(random.integers(0, len(row) - len(word) + 1))
    row[start : start + len(word)] = 3 - letters[::-1] if flipped else letters
    return start


def _sizes(train: int, validation: float, test: int, length: int) -> tuple[int, int, int]:
    if train < 1 or test < 0 or not 0 <= validation < 1:
        raise DataError(f"train={train}, validation={validation}, test={test}: need train ≥ 1, test ≥ 0, 0 ≤ share < 1")
    if length < len(CTCF):
        raise DataError(f"length={length} has no room for a motif of {len(CTCF)} letters")
    return train, round(validation * train), test
