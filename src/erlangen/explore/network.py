"""The networks to compare: derived, plain, plain with augmentation, plain symmetrised; and each with defects."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from erlangen.adapt import symmetrize
from erlangen.blueprint import Field, Sequential, Signal, derive
from erlangen.explore.defects import broken
from erlangen.explore.scene import Scene
from erlangen.point import Point

ARCHITECTURES = {
    "derived": "derived: the symmetry is built in",
    "plain": "plain: an ordinary network",
    "augmented": "augmented: plain, trained on transformed examples",
    "symmetrised": "symmetrised: plain, averaged over the group",
}
EXAMPLES = 8  # that the statistics of normalisation are taken from
SAMPLES = 16  # elements that stand for a group that cannot be listed


@dataclass(frozen=True)
class Built:
    """A network with the law it should keep.

    Args:
        model: in evaluation mode.
        trained: the part of it that training changes.
        in_field: type of the input.
        out_field: type of the output.
    """

    model: nn.Module
    trained: nn.Module
    in_field: Field
    out_field: Field


def build(scene: Scene, group: str, architecture: str, defects: tuple[str, ...], signal: Any, seed: int) -> Built:
    """A network with random weights drawn from a seed, whose normalisation has seen a few examples.

    Args:
        scene: the domain.
        group: of the scene.
        architecture: of `ARCHITECTURES`.
        defects: of the scene, planted in it.
        signal: a sample, for layers that need its size.
        seed: of the weights.
    """
    field = scene.field(group)
    out_field = Field(Point(), scene.task.out_rep(field.group))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = _network(scene, field, architecture, "zeros" in defects, signal)
        planted = tuple(d for d in defects if d != "zeros")
        if planted:
            steps = list(model.steps.children() if isinstance(model, Sequential) else model.children())
            model.eval()
            model = broken(steps, signal, planted, len(scene.classes))
        _settle(model, scene)
    model.eval()
    whole: nn.Module = model
    if architecture == "symmetrised":
        if isinstance(signal, Signal):
            whole = symmetrize(model, field, task=scene.task)
        else:
            whole = symmetrize(model, field, "average", task=scene.task, samples=SAMPLES)
        whole.eval()
    return Built(whole, model, field, out_field)


def _network(scene: Scene, field: Field, architecture: str, zeros: bool, signal: Any) -> nn.Module:
    if architecture == "derived":
        options = {k: v for k, v in scene.options.items() if not (zeros and k == "shift")}
        return derive(field, scene.task, "tiny", **options)
    if scene.plain is not None:
        return scene.plain(signal)
    return derive(scene.space.field("C1", scene.plain_rep), scene.task, "tiny")


def _settle(model: nn.Module, scene: Scene) -> None:
    """Let normalisation see a few examples, so that features of untrained networks have a size to look at."""
    x, _ = scene.train(EXAMPLES, torch.Generator().manual_seed(0))
    kept = [(m, m.momentum) for m in model.modules() if isinstance(getattr(m, "momentum", None), float)]
    model.train()
    for m, _ in kept:
        m.__dict__["momentum"] = 0.6
    for _ in range(3):
        model(x)
    for m, momentum in kept:
        m.__dict__["momentum"] = momentum
    model.eval()
