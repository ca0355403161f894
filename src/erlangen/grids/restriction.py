"""Fewer symmetries further up: a network that keeps all turns of small features, and of large ones only some.

A 6 and a 9 are made of the same strokes, turned; as a whole they differ. So the first layers may commute with D4, or
D8, and the others with a subgroup: from a `Restrict` on, the field carries the same channels under fewer elements.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, Recipe, check_signal
from erlangen.errors import DomainError, FieldError
from erlangen.symmetry import Component, FiniteGroup, Representation


class Restrict(EquivariantModule):
    """The same signal, seen as a field of a subgroup H: a permutation of its channels and nothing else.

    Copies that permute their channels fall into orbits of H. The channels of an orbit are put in the order of the
    cosets of a stabiliser K, so that it carries the quotient representation H/K (the regular one, if K is trivial), and
    the layers after this one know it by its name. From an infinite group to a finite one, irreps become those of H.

    Law: f(h·x) = h·f(x) for every h of H; nothing is said about the other elements of G.

    Args:
        field: type of the input, of a group G.
        subgroup: H, or its name, such as "D1" in D4; a group that the space has, too.

    Raises:
        DomainError: the space does not have H, or H is not found inside G.

    Source: Weiler & Cesa 2019, arXiv 1911.08251, section 2.7 (group restriction).
    """

    order: Tensor

    def __init__(self, field: Field, subgroup: "str | FiniteGroup") -> None:
        if not isinstance(subgroup, str | FiniteGroup):
            raise DomainError(f"restrict to a group or its name, such as 'C4'; got a {type(subgroup).__name__}")
        inside = field.space.symmetries(subgroup if isinstance(subgroup, str) else subgroup.name)
        if not isinstance(inside, FiniteGroup):
            raise DomainError(f"{inside} is not finite. Fix: restrict to a finite group, such as 'C4'")
        rep, order = restricted(field.rep, inside)
        super().__init__(field, Field(field.space, rep))
        self.moves = bool((order != np.arange(field.size)).any())
        self.register_buffer("order", torch.from_numpy(order), persistent=False)

    @property
    def law(self) -> str:
        """Of the subgroup only."""
        return f"f(h·x) = h·f(x), h in {self.out_field.group}"

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Permute the channels."""
        check_signal(self.in_field, x, "Restrict")
        return x.index_select(1, self.order) if self.moves else x

    def export(self) -> nn.Module:
        """The same permutation of channels, or nothing."""
        return PlainOrder(self.order) if self.moves else nn.Identity()

    def extra_repr(self) -> str:
        """From which group to which."""
        return f"{self.in_field.rep} of {self.in_field.group} -> {self.out_field.rep} of {self.out_field.group}"


class PlainOrder(nn.Module):
    """The plain-torch form of `Restrict`.

    Args:
        order: [C] which channel of the input each channel of the output is.
    """

    order: Tensor

    def __init__(self, order: Tensor) -> None:
        super().__init__()
        self.register_buffer("order", order.clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Permute the channels."""
        return x.index_select(1, self.order)


class Restricted(EquivariantModule):
    """A chain whose group shrinks inside, as a layer of the group that is left at its end.

    Law: f(h·x) = h·f(x) for every h of the smaller group H, on input and output alike.

    Args:
        inner: a module from a field of G to a field of a subgroup H of G.
    """

    def __init__(self, inner: EquivariantModule) -> None:
        field, group = inner.in_field, inner.out_field.group
        super().__init__(Field(field.space, field.rep.restrict(group)), inner.out_field)  # type: ignore[arg-type]
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """As the chain does."""
        return self.inner(x)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the chain."""
        return self.inner.out_shape(shape)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """That of the chain."""
        return self.inner.exact_when(shape)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the chain."""
        return self.inner.multiplications(shape)

    def leaves(self) -> Any:
        """Those of the chain."""
        return self.inner.leaves()

    def trace_shapes(self, shape: tuple[int, ...]) -> Any:
        """Those of the chain."""
        return self.inner.trace_shapes(shape)

    def export(self) -> nn.Module:
        """The plain form of the chain."""
        return self.inner.export()


def restricted(rep: Representation, inside: FiniteGroup) -> tuple[Representation, np.ndarray]:
    """A representation of G on the elements of a subgroup H, as a sum of representations that H has names for.

    Args:
        rep: a representation of G.
        inside: H, found in G by its action on space.

    Returns:
        The representation of H, and the channel of `rep` that each of its channels is.

    Law: ρ_H(h)[i, j] = ρ_G(h)[order[i], order[j]].
    """
    terms: list[tuple[int, Component]] = []
    order: list[np.ndarray] = []
    for channels, copies, component in rep.slices():
        whole = Representation(rep.group, ((1, component),)).restrict(inside)
        starts = channels.start + component.size * np.arange(copies)
        for part, places in _parts(whole, inside):
            terms.append((copies, part))
            order.append((starts[:, None] + places).ravel())
    flat = np.concatenate(order) if order else np.zeros(0, np.int64)
    return Representation(inside, tuple(terms)), flat


def _parts(rep: Representation, inside: FiniteGroup) -> list[tuple[Component, np.ndarray]]:
    """One copy in parts that H does not mix: (component, its channels), equal components next to each other."""
    ((_, component),) = rep.terms
    if component.is_permutation and component.monomial is not None:
        return _orbits(component.monomial[0], inside)
    found, start = [], 0
    for block in component.blocks:
        named = inside.component_of(np.stack([block.on(h) for h in inside.elements]), block.name)
        found.append((named, np.arange(start, start + block.size)))
        start += block.size
    return found


def _orbits(image: np.ndarray, inside: FiniteGroup) -> list[tuple[Component, np.ndarray]]:
    """Orbits of H on channels as quotients H/K, the base point chosen so that as few different K occur as can be.

    Args:
        image: [|H|, n] the channel to which each element takes each channel.
        inside: H.
    """
    seen: dict[bytes, tuple[Component, np.ndarray, list[np.ndarray]]] = {}
    left = np.ones(image.shape[1], bool)
    while left.any():
        orbit = np.unique(image[:, int(left.argmax())])
        left[orbit] = False
        fixed = {int(p): np.flatnonzero(image[:, p] == p) for p in orbit}
        base = next((p for p, k in fixed.items() if k.tobytes() in seen), int(orbit[0]))
        key = fixed[base].tobytes()
        if key not in seen:
            part, coset = _quotient(fixed[base], inside)
            seen[key] = part, coset, []
        seen[key][2].append(image[seen[key][1], base])
    return [(part, places) for part, _, found in seen.values() for places in found]


def _quotient(stabiliser: np.ndarray, inside: FiniteGroup) -> tuple[Component, np.ndarray]:
    """The representation on H/K under its shortest name, and one element of each coset, in its order."""
    if len(stabiliser) == inside.order:
        return inside.trivial.terms[0][1], np.zeros(1, np.int64)
    if len(stabiliser) == 1:
        return inside.regular.terms[0][1], np.arange(inside.order)
    place = inside.subgroup(stabiliser.tolist())
    return inside.quotient(place).terms[0][1], place.cosets[:, 0]


def restrict_option(recipe: Recipe, value: "Mapping[Any, str]") -> Recipe:
    """The recipe of a network whose group shrinks after some blocks.

    Args:
        recipe: of a grid.
        value: block -> the group that is left after it, such as {2: "C4", 4: "C1"}.

    Raises:
        FieldError: no mapping, or a block that is not there.
    """
    if not isinstance(value, Mapping):
        raise FieldError(f"restrict takes the group left after a block, as {{2: 'C4'}}; got {value!r}")
    local = [dict(options) for options in recipe.local]
    for block, name in value.items():
        i = int(block) if isinstance(block, int) or (isinstance(block, str) and block.isdigit()) else -1
        if not 0 <= i < len(local):
            raise FieldError(f"restrict names block {block!r}, but there are {len(local)}: 0 … {len(local) - 1}")
        local[i]["restrict"] = name
    return replace(recipe, local=tuple(local))
