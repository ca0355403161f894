"""Nucleic acids as signals: letters to one-hot channels and back, and the reverse complement of a text."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import DataError

ALPHABET = "ACGT"
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A", "U": "A", "N": "N"}
UNKNOWN = "N"


def one_hot(
    sequences: "str | bytes | Sequence[str] | Sequence[bytes]",
    *,
    alphabet: str = ALPHABET,
    unknown: float = 0.0,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, "b letters length"]:
    """Letters as channels: one where the letter is, zero elsewhere.

    Args:
        sequences: one text, or several of one length, as str or ASCII bytes; upper or lower case.
        alphabet: the letter of every channel, such as "ACGT" (the representation "letters"). Case matters only for
            letters that it holds in both.
        unknown: the value of every channel where the letter is N: 0, or 1/len(alphabet).
        dtype: of the result; the default dtype of torch.

    Returns:
        [B, letters, length], with B = 1 for a single text.

    Raises:
        DataError: a letter is neither in the alphabet nor N, the alphabet is not ASCII, or the lengths differ.
    """
    several = [sequences] if isinstance(sequences, str | bytes) else sequences
    texts = [text.decode("ascii", "replace") if isinstance(text, bytes) else text for text in several]
    if len({len(text) for text in texts}) > 1:
        found = sorted({len(text) for text in texts})
        raise DataError(f"sequences of one length are needed, got {found[0]} to {found[-1]}. Fix: crop or pad with N.")
    values = torch.zeros(len(texts), len(alphabet), len(texts[0]) if texts else 0, dtype=dtype)
    if not texts or not texts[0]:
        return values
    codes = _codes(texts, alphabet)
    found = torch.from_numpy(codes)
    values.scatter_(1, found.clamp(min=0)[:, None], 1.0)
    return torch.where((found < 0)[:, None], torch.full_like(values, unknown), values)


def read_letters(signal: Tensor, *, alphabet: str = ALPHABET) -> list[str]:
    """The texts of one-hot signals [B, letters, length]: the largest channel at every place, N where all are equal."""
    best = signal.argmax(1)
    best = torch.where(signal.amax(1) == signal.amin(1), len(alphabet), best)
    names = np.array([*alphabet, UNKNOWN])
    return ["".join(row) for row in names[best.cpu().numpy()]]


def reverse_complement(sequence: str, complement: "Mapping[str, str] | None" = None) -> str:
    """The other strand of a text, read from its own 5' end.

    Args:
        sequence: upper or lower case, which is kept.
        complement: the partner of every letter; None for DNA (and U, which pairs with A).

    Raises:
        DataError: a letter has no partner.
    """
    pairs = dict(COMPLEMENT if complement is None else complement)
    pairs = {a.lower(): b.lower() for a, b in pairs.items()} | pairs
    unknown = sorted(set(sequence) - set(pairs))
    if unknown:
        raise DataError(f"{', '.join(map(repr, unknown))} has no complement; known: {', '.join(sorted(pairs))}")
    return "".join(pairs[letter] for letter in reversed(sequence))


def partners(alphabet: Sequence[str], complement: "Mapping[str, str] | None" = None) -> tuple[int, ...]:
    """The channel of the reverse complement of every letter, word or token, as `StrandGroup.involution` takes it.

    Args:
        alphabet: one text a channel, such as "ACGU", or the words of a vocabulary.
        complement: the partner of every letter; None for DNA.

    Raises:
        DataError: a letter has no partner, or the vocabulary is not closed under the reverse complement.
    """
    place = {word: i for i, word in enumerate(alphabet)}
    pairs = dict(COMPLEMENT if complement is None else complement)
    if complement is None and "U" in place and "T" not in place:
        pairs["A"] = "U"
    found = []
    for word in alphabet:
        other = reverse_complement(word, pairs)
        if other not in place:
            raise DataError(
                f"the alphabet holds {word!r} but not its reverse complement {other!r}. Fix: add it, or give the "
                f"complement of every letter."
            )
        found.append(place[other])
    return tuple(found)


def _codes(texts: list[str], alphabet: str) -> np.ndarray:
    """[B, length] the channel of every letter, -1 for N."""
    table = np.full(256, -2, np.int64)
    table[[ord(UNKNOWN), ord(UNKNOWN.lower())]] = -1
    if wrong := [letter for letter in alphabet if not letter.isascii()]:
        raise DataError(f"the alphabet {alphabet!r} holds {wrong[0]!r}, which is no ASCII letter. Fix: another letter.")
    for channel, letter in enumerate(alphabet):
        both = {letter, letter.swapcase()} if letter.swapcase() not in alphabet else {letter}
        table[[ord(form) for form in both]] = channel
    try:
        raw = np.frombuffer("".join(texts).encode("ascii"), np.uint8)
    except UnicodeEncodeError as error:
        raise DataError(f"letter {error.object[error.start]!r} is not among {alphabet}{UNKNOWN}") from error
    codes = table[raw].reshape(len(texts), -1)
    if (codes == -2).any():
        row, column = np.argwhere(codes == -2)[0].tolist()
        raise DataError(
            f"letter {texts[row][column]!r} at position {column} of sequence {row} is not among {alphabet}{UNKNOWN}. "
            f"Fix: write {UNKNOWN} where a letter is unknown, or give the alphabet."
        )
    return codes
