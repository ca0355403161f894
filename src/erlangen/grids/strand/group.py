"""The reverse complement as a group of order two, with its representations on letters, words and reading frames."""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np

from erlangen.errors import FieldError, UnknownName
from erlangen.symmetry import FiniteGroup, Representation
from erlangen.symmetry.atoms import Indexed

LONGEST_WORD = 8  # 4^8 = 65,536 channels
_WITH_NUMBERS = ("kmers(k)", "frames_from_left(length)", "involution(i,j,…)")


class StrandGroup(FiniteGroup):
    """The symmetries of a strand: {e, rc}, or {e} alone where the two strands mean different things.

    A representation is any involution of the channels: `letters` swaps A with T and C with G, `kmers(k)` every word
    with its reverse complement, `regular` the two strands, `frames` the reading frames of one strand with those of the
    other.

    Args:
        order: 2 for the reverse complement, 1 for no symmetry.

    Law: ρ(rc)² = 1.
    """

    def __init__(self, order: int) -> None:
        table = (np.arange(order)[:, None] + np.arange(order)) % order
        irreps = {"irrep(0)": np.ones((order, 1, 1))}
        flip = np.ones((order, 1, 1))
        if order == 2:
            flip[1] = -1.0
            irreps["irrep(1)"] = flip
        super().__init__(
            "RC" if order == 2 else "C1",
            table,
            {"rc": 1} if order == 2 else {},
            irreps,
            flip,
            sign="irrep(1)" if order == 2 else None,
            labels=("e", "rc")[:order],
        )

    @property
    def representations(self) -> tuple[str, ...]:
        """Names of the representations, as strings read them."""
        return (*super().representations, "letters", "frames", *_WITH_NUMBERS)

    @cached_property
    def letters(self) -> Representation:
        """A C G T, where rc swaps A with T and C with G; an unknown letter is all zeros, or 1/4 everywhere."""
        return self._permuted("letters", np.array([3, 2, 1, 0]))

    def kmers(self, k: int) -> Representation:
        """All 4^k words of k letters in alphabetical order, where rc swaps a word with its reverse complement.

        Args:
            k: letters a word, 1 to 8.

        Raises:
            FieldError: k is out of range.
        """
        if not 1 <= k <= LONGEST_WORD:
            raise FieldError(f"kmers(k) has words of 1 to {LONGEST_WORD} letters, got {k}. Fix: use tokens beyond.")
        words = np.indices((4,) * k).reshape(k, -1)
        return self._permuted(f"kmers({k})", np.ravel_multi_index(tuple(3 - words[::-1]), (4,) * k))

    @cached_property
    def frames(self) -> Representation:
        """Six reading frames: 0, 1, 2 of this strand, then 0, 1, 2 of the other, each counted from its own 5' end."""
        return self._permuted("frames", np.array([3, 4, 5, 0, 1, 2]))

    def frames_from_left(self, length: int) -> Representation:
        """Six reading frames, all counted from the left end, so that rc depends on the length of the sequence.

        A frame f of the other strand holds the codons that start (on their own strand, at their right end) at the
        positions t = f mod 3.

        Args:
            length: letters in the sequence; only its remainder mod 3 matters.

        Law: rc takes frame f of a strand to frame (length - 1 - f) mod 3 of the other.
        """
        rest = length % 3
        back = (rest - 1 - np.arange(3)) % 3
        return self._permuted(f"frames_from_left({rest})", np.concatenate([3 + back, back]))

    def involution(self, *image: int) -> Representation:
        """Any involution as data: rc takes channel j to channel image[j].

        Args:
            image: one channel each, such as (3, 2, 1, 0) for A C G T; for RNA, methylated letters or a vocabulary of
                tokens as well.

        Raises:
            FieldError: it is no involution.
        """
        to = np.asarray(image, dtype=np.int64)
        channels = np.arange(len(to))
        if not len(to) or not ((to >= 0) & (to < len(to))).all() or not (to[to] == channels).all():
            raise FieldError(
                f"{image} is no involution of {len(to)} channels: channel image[j] must go back to j. "
                f"Fix: list the partner of every channel, and the channel itself where it has none."
            )
        return self._permuted(f"involution({','.join(str(j) for j in to)})", to)

    def tracks(self, partners: Sequence[int]) -> Representation:
        """Tracks along the strand, each with the track it turns into; one that is not stranded is its own partner.

        Args:
            partners: the partner of every track, such as (1, 0, 2) for plus, minus and an unstranded track.
        """
        return self.involution(*partners)

    def _permuted(self, name: str, image: np.ndarray) -> Representation:
        both = np.stack([np.arange(len(image)), image])[: self.order]
        return Representation(self, ((1, Indexed(self, name, both)),))

    def __reduce__(self) -> tuple[object, ...]:
        return _strand_group, (self.order,)


@lru_cache
def _strand_group(order: int) -> StrandGroup:
    return StrandGroup(order)


def RC() -> StrandGroup:
    """The reverse complement, {e, rc}."""
    return _strand_group(2)


def strand_group(name: str | None) -> StrandGroup:
    """The group of a strand by name: "RC", or "C1" for no symmetry.

    Raises:
        UnknownName: a strand has no such group.
    """
    if name is None or name.upper() in ("RC", "C1"):
        return _strand_group(1 if name is not None and name.upper() == "C1" else 2)
    raise UnknownName("symmetry of a strand", name, ["RC", "C1"])
