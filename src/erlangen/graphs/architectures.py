"""The networks that `derive` makes on graphs, and those of the literature by name."""

from typing import Any

from erlangen.blueprint import Recipe, Task
from erlangen.errors import UnknownName

NODE_SIZES: dict[str, tuple[int, ...]] = {
    "tiny": (16,),
    "small": (64,),
    "medium": (128, 128),
    "large": (256, 256, 256),
}
GRAPH_SIZES: dict[str, tuple[int, ...]] = {
    "tiny": (16, 16),
    "small": (32, 32, 32),
    "medium": (64, 64, 64, 64),
    "large": (128, 128, 128, 128, 128),
}


def recipe_for(size: str, task: Task) -> Recipe:
    """The recipe of a named size.

    Args:
        size: "tiny", "small", "medium" or "large".
        task: dense tasks (one answer a node) get graph convolutions with dropout, of which the head is the last; the
            others get isomorphism layers and a sum over the nodes.

    Raises:
        UnknownName: no recipe has this size.

    Source: Kipf and Welling 2017, arXiv 1609.02907 (nodes); Xu et al. 2019, arXiv 1810.00826 (graphs).
    """
    sizes = NODE_SIZES if task.dense else GRAPH_SIZES
    if size not in sizes:
        raise UnknownName("size", size, sizes)
    widths = sizes[size]
    if task.dense:
        first: dict[str, Any] = {"kind": "convolution", "norm": None, "dropout": 0.5}
        deeper = {**first, "residual": True}
        local = (first, *(deeper for _ in widths[1:]))
        return Recipe(widths, local=local, dropout=0.5, options={"head": "convolution"})
    return Recipe(widths, local=tuple({"kind": "isomorphism"} for _ in widths), dropout=0.5, options={"pool": "sum"})
