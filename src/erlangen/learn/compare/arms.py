"""The arms of a comparison: four ways to have a symmetry, or not, and their combinations."""

from dataclasses import dataclass

from erlangen.errors import UnknownName


@dataclass(frozen=True)
class Arm:
    """One way to get a symmetry.

    Args:
        name: what prints.
        network: "plain" (without the symmetry) or "derived" (with it).
        augmented: whether training examples are moved at random.
        symmetrised: whether the trained network is averaged over the group afterwards, without training.
        words: one line about it.
    """

    name: str
    network: str
    augmented: bool
    symmetrised: bool
    words: str

    @property
    def training(self) -> str:
        """The name of the arm that is trained; a symmetrised one shares the training of its plain network."""
        return self.name.removesuffix("+symmetrised").replace("symmetrised", "plain")


ARMS = {
    arm.name: arm
    for arm in (
        Arm("plain", "plain", False, False, "a network without the symmetry"),
        Arm("augmented", "plain", True, False, "the same, trained on examples that are moved at random"),
        Arm("symmetrised", "plain", False, True, "the plain network, averaged over the group after training"),
        Arm("augmented+symmetrised", "plain", True, True, "the augmented network, averaged over the group"),
        Arm("derived", "derived", False, False, "the symmetry built into every layer"),
        Arm("derived+augmented", "derived", True, False, "the same, trained on examples that are moved at random"),
    )
}
DEFAULT = ("plain", "augmented", "symmetrised", "augmented+symmetrised", "derived")


def arms_named(names: "list[str] | tuple[str, ...] | None") -> tuple[Arm, ...]:
    """The arms with these names, in the order of `ARMS`; None: all but the last.

    Raises:
        UnknownName: no such arm.
    """
    names = DEFAULT if names is None else names
    for name in names:
        if name not in ARMS:
            raise UnknownName("arm", name, ARMS)
    return tuple(arm for arm in ARMS.values() if arm.name in names)


def trainings(arms: tuple[Arm, ...]) -> tuple[str, ...]:
    """The names of the arms that must be trained for these."""
    return tuple(dict.fromkeys(arm.training for arm in arms))


def posthoc(training: str) -> "str | None":
    """The name of the arm that averages the network of this training; None where the symmetry holds already."""
    found = (arm.name for arm in ARMS.values() if arm.symmetrised and arm.training == training)
    return next(found, None)
