"""What the catalogue knows about one data set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from erlangen.data.dataset import Dataset


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue.

    Args:
        title: one line.
        domain: the name of its domain.
        splits: the sizes, in words.
        build: makes it; its keyword arguments are the options of the set.
        symmetry: which groups make sense, and which do not.
        licence: as stated by whoever carries it.
        origin: where it comes from, in words.
        files: the files it needs, as in `registry.txt`; empty for sets that an installed package ships.
        shipped: finds its file in an installed package.
        made: whether it is made once from those files and kept.
        simulated: whether it is drawn at random each time, from a seed, and needs no file.
        fallback: the set that stands in.
        note: what a reader of results must know.
    """

    title: str
    domain: str
    splits: str
    build: Callable[..., Dataset]
    symmetry: str
    licence: str
    origin: str
    files: tuple[str, ...] = ()
    shipped: Callable[[], Path] | None = None
    made: bool = False
    simulated: bool = False
    fallback: str | None = None
    note: str = ""
