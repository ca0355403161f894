"""Symmetries of colour: what may happen to red, green and blue while every pixel stays where it is.

They act on the fibre alone. Their group stands beside the point group, as a direct product: (g, h) turns the image by g
and its colours by h. So `colour_field(Grid(2), "C4", "permutations")` is a field of the group C4xS3, and every layer of
grids takes it as it takes any other. Light that grows or fades scales all values, which is no finite group; a layer
that divides it out comes first.
"""

import re
from dataclasses import replace
from math import cos, pi, sin

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import Action, EquivariantModule, Field, Recipe, check_signal
from erlangen.errors import DomainError, NonlinearityError, UnknownName
from erlangen.grids.space import Grid
from erlangen.symmetry import FiniteGroup, Representation

KINDS = ("permutations", "hue 3", "hue 6", "hue <n>")
PER = ("image", "channel")


def colour_field(space: Grid, point: "str | None" = None, colour: str = "permutations", pictures: int = 1) -> Field:
    """The type of colour images whose colours have a symmetry, too.

    Args:
        space: a square grid, `Grid(d)`.
        point: name of the point group; None takes the largest that maps pixels to pixels; SO(2) and its like make no
            product with colours.
        colour: "permutations", Σ3 exchanges red, green and blue; "hue n", C(n) turns colours about the grey axis by
            multiples of 360°/n.
        pictures: how many colour images lie in the channels, three each (red, green, blue).

    Returns:
        A field of the direct product of both groups. Its point group moves the pixels, the other one the channels.

    Raises:
        UnknownName: no such symmetry of colour.
        DomainError: the grid does not have the point group.

    Source: Lengyel, Strafforello, Bruintjes, Gielisse & van Gemert 2023, arXiv 2310.19368 (hue as a group).
    """
    if type(space) is not Grid:
        raise DomainError(f"symmetries of colour are there for Grid(1), Grid(2) and Grid(3), not for {space}")
    turns = re.fullmatch(r"hue\s*(\d+)", colour)
    if colour != "permutations" and (turns is None or int(turns[1]) < 2):
        raise UnknownName("symmetry of colour", colour, KINDS)
    fibre = "S3" if turns is None else f"C{int(turns[1])}"
    group = space.symmetries(f"{space.symmetries(point)}x{fibre}")
    if not isinstance(group, FiniteGroup) or len(group.factors) != 2:
        raise DomainError(
            f"{group} is no product of a finite point group and a group of colours. Fix: a point group such as 'C8'"
        )
    colours = group.factors[1][0]
    if turns is None:
        one = colours.standard.matrices()
    else:
        angles = [360.0 / colours.order * k for k in _powers(colours)]
        one = np.stack([hue_matrix(angle) for angle in angles])
    matrices = np.tile(one, (group.order // colours.order, 1, 1))  # element (g, h) is number g·|H| + h
    return Field(space, Representation(group, ((pictures, group.component_of(matrices, "rgb")),)))


def hue_matrix(degrees: float) -> np.ndarray:
    """The rotation of (red, green, blue) about the grey axis (1, 1, 1); 120° takes red to green, green to blue.

    Args:
        degrees: the angle.

    Returns:
        [3, 3].

    Law: R(a) R(b) = R(a+b), by Rodrigues' formula.
    """
    axis = np.ones(3) / 3**0.5
    across = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = degrees * pi / 180
    matrix = np.eye(3) + sin(angle) * across + (1 - cos(angle)) * across @ across
    whole = np.round(matrix)
    return whole if np.abs(matrix - whole).max() < 1e-12 else matrix


class IlluminationNorm(EquivariantModule):
    """Divide by the strength of the light: the root mean square over all points and channels, or over the points alone.

    Law: f(a·x) = f(x) for every a > 0, of each image, or (per channel, as under coloured light) of each of its
    channels; and f(g·x) = g·f(x). Exact to rounding unless the image is black, which stays black.

    Args:
        field: type of input and output.
        per: "image" or "channel".

    Raises:
        UnknownName: another word.
        NonlinearityError: the group mixes channels that are to be scaled one by one, or does not keep their norm.
    """

    def __init__(self, field: Field, per: str = "image") -> None:
        super().__init__(field, field)
        if per not in PER:
            raise UnknownName("extent of an illumination", per, PER)
        if per == "channel" and not field.rep.is_permutation:
            raise NonlinearityError(
                f"scaling channels one by one commutes with permutations of them only, {field.rep} of {field.group} "
                "mixes them. Fix: per='image'."
            )
        if not field.rep.is_orthogonal:
            raise NonlinearityError(
                f"{field.rep} of {field.group} changes the norm of a pixel, so the strength of the light is not "
                "defined. Fix: an orthogonal representation."
            )
        self.per = per

    @property
    def law(self) -> str:
        """Both laws."""
        return "f(g·x) = g·f(x), f(a·x) = f(x)"

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """x over its root mean square."""
        check_signal(self.in_field, x, "IlluminationNorm")
        return normalised(x, self.per)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Two a value."""
        return 2 * self.in_field.size * torch.Size(shape).numel()

    def export(self) -> nn.Module:
        """The same formula."""
        return PlainIlluminationNorm(self.per)

    def extra_repr(self) -> str:
        """What is scaled by itself."""
        return f"per {self.per}"


class PlainIlluminationNorm(nn.Module):
    """The plain-torch form of `IlluminationNorm`."""

    def __init__(self, per: str) -> None:
        super().__init__()
        self.per = per

    def forward(self, x: Tensor) -> Tensor:
        """x over its root mean square."""
        return normalised(x, self.per)


def normalised(x: Float[Tensor, "b c *space"], per: str) -> Float[Tensor, "b c *space"]:
    """x over its root mean square, computed in float32 at least.

    Args:
        x: the signal.
        per: "image" or "channel".
    """
    wide = x if x.dtype == torch.float64 else x.float()
    axes = list(range(1 if per == "image" else 2, x.ndim))
    if x.numel() == 0:
        return x
    peak = wide.detach().abs().amax(axes, keepdim=True)  # a constant: the result does not depend on it
    black = peak == 0
    even = wide / torch.where(black, 1.0, peak)  # in any unit the squares neither vanish nor overflow
    return (even * (even.square().mean(axes, keepdim=True) + black).rsqrt()).to(x.dtype)


def illumination_option(recipe: Recipe, value: str) -> Recipe:
    """The recipe of a network that the strength of the light does not change.

    Args:
        recipe: of a grid.
        value: "image" or "channel", as in `IlluminationNorm`.

    Raises:
        UnknownName: another word.
    """
    if value not in PER:
        raise UnknownName("extent of an illumination", value, PER)
    return replace(recipe, local=({**recipe.local[0], "illumination": value}, *recipe.local[1:]))


def lighting(factor: float, channels: int = 3) -> Action:
    """Light by a factor, as an action for audits: `audit(network, data, actions=[lighting(2), lighting(0.5)])`.

    Args:
        factor: by which all values of an image are multiplied, more than 0.
        channels: of the images; signals of other channels, and vectors, stay.

    Raises:
        DomainError: the factor is not positive.
    """
    if not factor > 0:
        raise DomainError(f"light is scaled by a positive factor, got {factor}")

    def move(x: Tensor, rep: Representation | None) -> Tensor:
        return x * factor if x.ndim > 2 and x.shape[1] == channels else x

    return Action(f"light ×{factor:g}", "illumination", True, move, True, float(factor))


def hue_turn(degrees: float) -> Action:
    """The colours of images of red, green and blue turned about the grey axis by any angle, for audits.

    Args:
        degrees: the angle. Signals of other than three channels, and vectors, stay.
    """

    def turned(x: Tensor, angle: float) -> Tensor:
        if x.ndim < 3 or x.shape[1] != 3:
            return x
        return torch.einsum("ij,bj...->bi...", torch.from_numpy(hue_matrix(angle)).to(x), x)

    def move(x: Tensor, rep: Representation | None) -> Tensor:
        return turned(x, degrees)

    def undo(x: Tensor, rep: Representation | None) -> Tensor:
        return turned(x, -degrees)

    return Action(f"hue {degrees:g}°", "hue", False, move, False, float(degrees), undo)


def _powers(group: FiniteGroup) -> list[int]:
    """For each element of a cyclic group, which power of the generator it is."""
    (r,) = group.generators.values() or (0,)
    power, g = {0: 0}, 0
    for k in range(1, group.order):
        g = group.compose(g, r)
        power[g] = k
    return [power[h] for h in group.elements]
