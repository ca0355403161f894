"""Derived networks on strands: one dial sets widths, kernels, dilations and pooling; one option the kind of block.

The first block is a wide convolution, whose filters are motifs; the others are of one kind:
"residual" (the default: dilated residual steps), "attention", "state-space", or a kind that every grid has.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from erlangen.blueprint import EquivariantModule, Field, Recipe
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.blocks import BLOCKS
from erlangen.grids.strand.attention import attention_block
from erlangen.grids.strand.residual import residual_block
from erlangen.grids.strand.state_space import state_space_block

if TYPE_CHECKING:
    from erlangen.blueprint import Task

# channels of every block as expanded, taps of the first and of the other convolutions
SIZES: dict[str, tuple[tuple[int, ...], int, int]] = {
    "tiny": ((32, 32), 15, 9),
    "small": ((64, 64), 15, 9),
    "medium": ((128, 128, 128, 128), 19, 9),
    "large": ((256, 256, 256, 256, 256, 256, 256, 256), 19, 9),
}
FARTHEST = 64  # the largest dilation
STRAND_BLOCKS: dict[str, Callable[..., EquivariantModule]] = {
    "residual": residual_block,
    "attention": attention_block,
    "state-space": state_space_block,
}
DILATED = ("residual", "dense")  # kinds that take a dilation
FAR = ("attention", "state-space")  # kinds that see everything, and need no wide kernels


def recipe(size: str, field: Field, task: "Task") -> Recipe:
    """The recipe of a named size.

    For a whole signal of letters the first block reads words of three, and the strand is halved after it. For an
    output along the strand it reads letters, so that a hidden one hides no words, the strand keeps its length, and
    dilations double from block to block; so it is for reading frames, which halving would lose.

    Raises:
        UnknownName: no recipe has this size.
    """
    if size not in SIZES:
        raise UnknownName("size", size, SIZES)
    widths, first, taps = SIZES[size]
    whole = not task.dense and not has_frames(field, task)
    letters = [component.name.split("|")[0] for _, component in field.rep.terms] == ["letters"] and field.size == 4
    local: list[dict[str, Any]] = [{"kernel_size": first, "words": 3} if letters and whole else {"kernel_size": first}]
    for i in range(1, len(widths)):
        local.append({"kind": "residual", "kernel_size": taps, "dilation": min(2 ** (i - 1 if whole else i), FARTHEST)})
    hidden = "regular" if field.group.name == "RC" else "trivial"
    dropout = 0.5 if task.name == "classify" else 0.0
    return Recipe(widths, (0,) if whole else (), tuple(local), hidden, dropout)


def has_frames(field: Field, task: "Task") -> bool:
    """Whether the output is about reading frames."""
    return any(component.name.startswith("frames") for _, component in task.out_rep(field.group).terms)


def block_option(recipe: Recipe, kind: str) -> Recipe:
    """The recipe with blocks of this kind after the first.

    Raises:
        UnknownName: no such kind.
    """
    known = [*STRAND_BLOCKS, *BLOCKS]
    if kind not in known:
        raise UnknownName("block", kind, known)
    local = []
    for given in recipe.local[1:]:
        options = {**given, "kind": kind, **({"kernel_size": 3} if kind in FAR else {})}
        local.append({k: v for k, v in options.items() if k != "dilation" or kind in DILATED})
    return replace(recipe, local=(recipe.local[0], *local))


def words_option(recipe: Recipe, k: int) -> Recipe:
    """The recipe whose first block reads words of k letters instead of letters.

    Raises:
        FieldError: k is no odd number, so that words have no middle letter.
    """
    if not isinstance(k, int) or k < 1 or k % 2 == 0:
        raise FieldError(
            f"words={k!r} have no middle letter, so the strand would change its length. Fix: words=3 or 5."
        )
    return replace(recipe, local=({**recipe.local[0], "words": k}, *recipe.local[1:]))
