"""What the page shows, as the words of its address; every wrong word is answered with the nearest right one."""

from collections.abc import Mapping
from dataclasses import dataclass

from erlangen.errors import DomainError, UnknownName
from erlangen.explore.network import ARCHITECTURES
from erlangen.explore.scene import Scene
from erlangen.explore.scenes import available, scene

WORDS = ("domain", "group", "architecture", "break", "sample", "seed", "motion", "layer", "element")


@dataclass(frozen=True)
class Choice:
    """One network and one sample.

    Args:
        domain: of `available()`.
        group: of the scene.
        architecture: of `ARCHITECTURES`.
        defects: of the scene, in its order.
        sample: index of the sample.
        seed: of the weights.
    """

    domain: str
    group: str
    architecture: str
    defects: tuple[str, ...]
    sample: int
    seed: int

    @property
    def scene(self) -> Scene:
        """The domain."""
        return scene(self.domain)

    @property
    def network(self) -> tuple[object, ...]:
        """What decides the weights: augmentation shares them with plain until it is trained."""
        sized = self.sample if self.domain == "graph" else 0  # graphs differ in size
        return self.domain, self.group, self.architecture, self.defects, self.seed, sized


def choice_from(words: Mapping[str, str]) -> Choice:
    """The choice that an address makes; what it leaves out has a default.

    Raises:
        UnknownName: an unknown word, domain, group, architecture or switch.
        DomainError: a number that is none, or out of range.
    """
    for word in words:
        if word not in WORDS:
            raise UnknownName("word in the address", word, WORDS)
    domain = words.get("domain") or next(iter(available()))
    found = scene(domain)
    group = words.get("group") or found.groups[0]
    if group not in found.groups:
        raise UnknownName(f"group of the domain {domain!r}", group, found.groups)
    architecture = words.get("architecture") or "derived"
    if architecture not in ARCHITECTURES:
        raise UnknownName("architecture", architecture, ARCHITECTURES)
    asked = [d for d in words.get("break", "").split(",") if d]
    for defect in asked:
        if defect not in found.defects:
            raise UnknownName(f"switch of the domain {domain!r}", defect, found.defects)
    sample = number(words, "sample", len(found.samples))
    seed = number(words, "seed", 2**31)
    return Choice(domain, group, architecture, tuple(d for d in found.defects if d in asked), sample, seed)


def number(words: Mapping[str, str], name: str, count: int, default: int = 0) -> int:
    """A whole number from 0 to count - 1.

    Raises:
        DomainError: it is something else.
    """
    text = words.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) < count):
        raise DomainError(f"{name}={text!r} in the address. Fix: a whole number from 0 to {count - 1}.")
    return int(text)
