"""A single point: signals are vectors [B, C] with no domain, and any group may act on them.

Here the blueprint is the equivariant multilayer perceptron, for every group and representation (Finzi, Welling, Wilson
2021, arXiv 2104.09459). The heads of all other domains end at a point.
"""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.blueprint import Action, Field, Recipe, Sequential, Space, register_space
from erlangen.errors import DomainError
from erlangen.symmetry import FiniteGroup, Group, Representation
from erlangen.symmetry import group as group_named
from erlangen.symmetry.matrix import MatrixGroup

if TYPE_CHECKING:
    from erlangen.blueprint import EquivariantModule, Task

LISTED = 64  # groups up to this order are audited on every element


class Point(Space):
    """A single point; signals are tensors [B, C].

    Law: g·x = ρ(g) x.
    """

    name = "point"

    def act(self, g: Any, signal: Float[Tensor, "b c"], rep: Representation) -> Float[Tensor, "b c"]:
        """g·x = ρ(g) x."""
        return rep.apply(g, signal, dim=1)

    def linear(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """Every equivariant affine map."""
        from erlangen.point.linear import EquivariantLinear

        return EquivariantLinear(in_field, out_field, **local)

    def nonlinearity(self, field: Field) -> "EquivariantModule":
        """Pointwise on permuted channels; other copies are scaled by a function of their own invariants."""
        from erlangen.point.nonlinearity import Nonlinearity

        return Nonlinearity(field)

    def norm(self, field: Field) -> "EquivariantModule":
        """Each term divided by the root mean square of its channels, where that is invariant."""
        from erlangen.point.norm import CopyNorm

        return CopyNorm(field)

    def block(
        self, in_field: Field, out_field: Field, *, rank: int | None = None, early: bool = False, **local: Any
    ) -> "EquivariantModule":
        """A residual step, x + a σ(B x), after a linear and a bilinear map to the output field where that is another.

        Args:
            in_field: type of the input.
            out_field: type of the output.
            rank: of the bilinear map; 0 for none; None decides by the representations.
            early: whether later layers follow, so that terms of the output which need products of products (such as a
                determinant) may be left out of this one.
            local: options of `GatedResidual`.
        """
        from erlangen.point.architectures import between, reached
        from erlangen.point.quadratic import EquivariantQuadratic
        from erlangen.point.residual import GatedResidual

        if early:
            out_field = reached(in_field, out_field, rank)
        first = between(in_field, out_field, rank)
        multiplied = isinstance(first, EquivariantQuadratic) or not out_field.rep.is_permutation
        local = {"start": 0.0 if multiplied else 1.0, **local}
        step = GatedResidual(out_field, **local)
        return step if in_field == out_field else Sequential(first, step)

    def coarsen(self, field: Field, **options: Any) -> "EquivariantModule":
        """A point cannot be coarsened.

        Raises:
            DomainError: always.
        """
        raise DomainError(f"{self} is a single point, so it cannot be coarsened. Fix: leave coarsen_after out")

    def readout(self, field: Field, task: "Task", **options: Any) -> "EquivariantModule":
        """A linear and a bilinear map to the output representation, invariant or not."""
        from erlangen.point.readout import PointReadout

        return PointReadout(field, task, **options)

    def recipe(self, size: str, field: Field, task: "Task") -> Recipe:
        """Widths of a named size, and hidden representations that suit the group."""
        from erlangen.point.architectures import recipe

        return recipe(size, field, task)

    def symmetries(self, name: str | None = None) -> Group:
        """The group of this name; any group acts on vectors. Without a name, the trivial group."""
        return group_named("C1" if name is None else name)

    def field(self, group: "Group | str | dict[str, Any] | None", rep: Any = 1) -> Field:
        """Vectors that carry a representation; any group may act on them.

        Args:
            group: the group, its name, or the words of `Group.describe`; None is the trivial group.
            rep: the representation of the channels, its string form, its images on the generators, or a number of
                trivial channels.
        """
        chosen = group_named("C1" if group is None else group)
        return Field(self, chosen.representation(rep))

    def sample_signal(
        self, field: Field, batch: int = 2, generator: torch.Generator | None = None
    ) -> Float[Tensor, "b c"]:
        """Gaussian vectors [batch, C]."""
        return torch.randn(batch, field.size, generator=generator)

    def actions(
        self, group: Group, signal: Any, count: int = 8, generator: torch.Generator | None = None
    ) -> list[Action]:
        """Exact motions: the generators, the flows of the Lie algebra, and sampled elements.

        A small finite group gives every element. A flow exp(tA) is given at one t that no finite order divides, so that
        its law implies the law of the whole flow; of a group that is not compact, elements close to the identity are
        sampled, since boosts and shears grow exponentially and rounding with them.
        """
        if isinstance(group, FiniteGroup) and len(group.table) <= LISTED:
            generators = set(group.generators.values())
            return [_action(group, g, group.label(g), g in generators) for g in group.elements[1:]]
        listed = isinstance(group, FiniteGroup)
        found = [_action(group, g, group.label(g) if listed else n, True) for n, g in group.generators.items()]
        if isinstance(group, MatrixGroup):
            found += [_action(group, *flow, True, 1.0) for flow in _flows(group)]
        drawn = group.sample(count, generator) if group.is_compact else group.words(count, generator, length=1)
        return found + [_action(group, g, group.label(g), False) for g in drawn]

    def nominal_shape(self) -> tuple[int, ...]:
        """No axes."""
        return ()

    def describe(self) -> dict[str, Any]:
        """{"domain": "point"}."""
        return {"domain": "point"}

    def __repr__(self) -> str:
        return "Point()"


def _flows(group: MatrixGroup) -> list[tuple[Any, str]]:
    """exp(A), with its label, for every generator A of the Lie algebra."""
    from scipy.linalg import expm

    return [(expm(a), f"exp({name})") for name, a in group.algebra.items()]


def _action(group: Group, g: Any, label: str, generates: bool, time: float | None = None) -> Action:
    back = group.inverse(g)

    def move(x: Tensor, rep: Representation | None) -> Tensor:
        return x if rep is None else rep.apply(g, x)

    def undo(x: Tensor, rep: Representation | None) -> Tensor:
        return x if rep is None else rep.apply(back, x)

    return Action(label, group.name, True, move, generates, time, undo, g)


register_space("point", Point)
