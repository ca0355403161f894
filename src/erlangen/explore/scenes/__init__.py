"""The scenes of the explorer, by name; each is made when it is first looked at."""

from collections.abc import Callable
from functools import lru_cache

from erlangen.errors import UnknownName
from erlangen.explore.scene import Scene
from erlangen.explore.scenes.graphs import graphs
from erlangen.explore.scenes.hexagons import hexagons
from erlangen.explore.scenes.images import digits, shapes, shipped
from erlangen.explore.scenes.sequences import sequences
from erlangen.explore.scenes.strands import strands
from erlangen.explore.scenes.volumes import volumes

SCENES: dict[str, tuple[str, Callable[[], Scene]]] = {
    "shapes": ("Images: shapes, 64×64", shapes),
    "digits": ("Images: digits, 28×28", digits),
    "hexagons": ("Hexagonal cells", hexagons),
    "volumes": ("Volumes", volumes),
    "sequence": ("Sequences", sequences),
    "strand": ("DNA", strands),
    "graph": ("Graphs", graphs),
}


def available() -> dict[str, str]:
    """Names and titles of the scenes whose samples are on this machine; nothing is downloaded."""
    return {name: title for name, (title, _) in SCENES.items() if name != "digits" or shipped()}


@lru_cache(maxsize=len(SCENES))
def scene(name: str) -> Scene:
    """The scene of this name.

    Raises:
        UnknownName: there is none, or its samples are not on this machine.
    """
    if name not in available():
        raise UnknownName("domain of the explorer", name, list(available()))
    return SCENES[name][1]()
