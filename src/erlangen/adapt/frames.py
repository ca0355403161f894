"""Frames of vectors under O(d) and SO(d): axes that turn with the input, one set for every sample.

Principal axes are cheap (2ᵈ of them, by their signs) but undefined where two moments are equal; axes from the vectors
themselves, weighted by how well they are defined, are continuous and cost more passes.
"""

import warnings
from collections.abc import Iterator
from itertools import permutations, product
from math import perm

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.adapt.orbit import TIE, Orbit, Part
from erlangen.blueprint import Field
from erlangen.errors import DomainError
from erlangen.point import Point
from erlangen.symmetry import Representation
from erlangen.symmetry.classical import Classical

GAP = 1e-3  # moments closer than this, relative to the largest, have no axes of their own
NOTHING = 1e-6  # lengths below this, relative to the largest, are none


class DegenerateFrames(UserWarning):
    """Inputs of which two principal moments are (nearly) equal, so that their axes are not defined."""


class PointFrames(Orbit):
    """Frames of vectors on a point.

    Args:
        in_field: vectors on a point, with at least one copy of the standard representation of O(d) or SO(d).
        out_field: type of the output, on a point.
        method: "frames": principal axes with all signs; "canonical": with the signs by which third moments are
            largest; "weighted": axes from every choice of d - 1 vectors, weighted by their lengths and heights.
        limit: the largest number of passes for the weighted frames.
        gap: moments closer than this, relative to the largest, count as equal.
        tie: third moments closer than this, relative to the size of the input, count as equal.

    Where moments are equal the weighted frames take over if `limit` allows, which keeps the law exact; otherwise the
    input counts as unresolved. Frames are constants to gradients.

    Law: frame(g·x) = g·frame(x).

    Raises:
        DomainError: no such vectors, or more weighted frames than the limit.

    Source: Puny, Atzmon, Ben-Hamu et al. 2022, arXiv 2110.03336 (frames of principal axes); Dym, Lawrence and Siegel
        2024, arXiv 2402.16077 (weighted frames).
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        method: str,
        limit: int = 1024,
        gap: float = GAP,
        tie: float = TIE,
    ) -> None:
        self.d, self.copies = vectors_in(in_field)
        self.reflections = in_field.group.has_reflections  # type: ignore[attr-defined]
        self.fallback = perm(self.copies, self.d - 1) * (1 + self.reflections)  # 0 where the vectors are too few
        principal = 2**self.d if self.reflections else 2 ** (self.d - 1)
        cost = {"canonical": 1, "frames": principal, "weighted": self.fallback}[method]
        words = f"{'principal axes' if method != 'weighted' else 'axes from the vectors'} turn with the input"
        super().__init__(in_field, out_field, True, float(cost), words)
        if not isinstance(out_field.space, Point):
            raise DomainError(f"frames of vectors need an output on a point, not {out_field}")
        self.method, self.limit, self.gap, self.tie, self.warned = method, limit, gap, tie, False
        if method == "weighted" and not self.fallback:
            raise DomainError(
                f"{self.copies} vectors do not span {self.d - 1} axes, so there are no weighted frames. Fix: 'frames'."
            )
        if method == "weighted" and self.fallback > limit:
            raise DomainError(
                f"weighted frames of {self.copies} vectors in {self.d} dimensions take {self.fallback:,} passes, more "
                f"than limit={limit}. Fix: method='frames' ({principal} passes), or a larger limit."
            )

    def vectors(self, x: Float[Tensor, "b c"]) -> Float[Tensor, "b n d"]:
        """The copies of the standard representation, in float64."""
        found = [x[:, s].unflatten(1, (m, c.size)) for s, m, c in self.in_field.rep.slices() if c.name == "standard"]
        return torch.cat(found, 1).detach().double()

    def frames(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(rows [R], axes as columns [R, K, d, d], weights [R, K]) of samples with equally many frames."""
        v, everyone = self.vectors(x), torch.arange(len(x), device=x.device)
        if self.method == "weighted":
            axes, weights = weighted_axes(v, self.reflections)
            yield everyone, axes, weights
            return
        moments, axes = torch.linalg.eigh(v.mT @ v)
        equal, unresolved = self._equal(moments, axes)
        self.count(equal, unresolved)
        if bool(equal.any()) and not self.warned:
            self._warn(moments, equal, unresolved)
        good = ~equal | unresolved
        if bool(good.any()) or not len(x):
            yield everyone[good], *self._principal(v[good], axes[good])
        if not bool(good.all()):
            yield everyone[~good], *weighted_axes(v[~good], self.reflections)

    def parts(self, x: Tensor, chunk: int | None) -> Iterator[Part]:
        """The versions, a few frames of all samples at a time."""
        for rows, axes, weights in self.frames(x):
            steps = axes.shape[1]
            for first in range(0, steps, chunk or steps):
                some = slice(first, first + (chunk or steps))
                used = (weights[:, some] > 0).nonzero()
                if not len(used) and len(x):
                    continue
                h = axes[:, some][used[:, 0], used[:, 1]]
                at = rows[used[:, 0]]
                versions = apply_each(self.in_field.rep, h.mT, x[at])

                def back(y: Tensor, h: Tensor = h) -> Tensor:
                    return apply_each(self.out_field.rep, h, y)

                yield Part(versions, at, weights[:, some][used[:, 0], used[:, 1]], back)

    def _principal(self, v: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
        """All signs of the principal axes that the group has, and their weights."""
        signs = torch.tensor(list(product((1.0, -1.0), repeat=self.d)), dtype=v.dtype, device=v.device)
        if not self.reflections:  # half of them are rotations; which half depends on the axes
            odd = torch.linalg.det(axes) < 0
            axes = torch.where(odd[:, None, None], axes * flip_first(self.d).to(v), axes)
            signs = signs[signs.prod(1) > 0]
        found = axes[:, None] * signs[:, None, :]
        weights = torch.full(found.shape[:2], 1.0 / len(signs), dtype=v.dtype, device=v.device)
        if self.method == "canonical" and len(v):
            third = ((v @ axes) ** 3).sum(1)
            size = (v**2).sum((1, 2)).sqrt().clamp_min(torch.finfo(v.dtype).tiny) ** 3
            scores = (third @ signs.T) / size[:, None]
            tied = scores >= scores.amax(1, keepdim=True) - self.tie
            self.degenerate += int((tied.sum(1) > 1).sum())
            weights = tied / tied.sum(1, keepdim=True).to(v)
        return found, weights

    def _equal(self, moments: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
        """Which samples have equal moments, and for which of them no exact frame is known."""
        largest = moments[:, -1:].clamp_min(torch.finfo(moments.dtype).tiny)
        close = moments.diff(dim=1) < self.gap * largest
        none = moments < NOTHING**2 * largest
        absent = none[:, :-1] & none[:, 1:]  # no vector reaches into these axes: any will do for an invariant
        flat = absent.any(1) & (not self.out_field.rep.is_trivial)
        equal = (close & ~absent).any(1) | flat
        return equal, (equal & (not 0 < self.fallback <= self.limit)) | flat

    def _warn(self, moments: Tensor, equal: Tensor, unresolved: Tensor) -> None:
        gaps = (moments.diff(dim=1).amin(1) / moments[:, -1].clamp_min(torch.finfo(moments.dtype).tiny))[equal]
        left, self.warned = int(unresolved.sum()), True
        taken = f"they take the weighted frames, {self.fallback} passes"
        warnings.warn(
            f"{int(equal.sum())} of {len(equal)} inputs have equal principal moments (smallest gap "
            f"{float(gaps.min()):.1e} of the largest moment), so their axes are not defined: "
            + (f"{left} of them keep arbitrary axes and lose the symmetry" if left else taken)
            + ". method='weighted' is continuous there.",
            DegenerateFrames,
            stacklevel=2,
        )


def vectors_in(field: Field) -> tuple[int, int]:
    """(d, n): the field holds n vectors in d dimensions.

    Raises:
        DomainError: it is not a field of vectors of O(d) or SO(d) on a point.
    """
    group = field.group
    kind = isinstance(group, Classical) and group.family in ("O", "SO")
    copies = sum(m for m, c in field.rep.terms if c.name == "standard")
    if not isinstance(field.space, Point) or not kind or not copies:
        raise DomainError(
            f"frames need vectors of O(d) or SO(d) on a point, such as Point().field('O(3)', '5 standard'), not {field}"
            ". Fix: method='average', or 'canonical' for finite groups and graphs."
        )
    return group.degree, copies  # type: ignore[attr-defined]


def flip_first(d: int) -> Tensor:
    """(-1, 1, …, 1), float64."""
    signs = torch.ones(d, dtype=torch.float64)
    signs[0] = -1.0
    return signs


def apply_each(rep: Representation, elements: Float[Tensor, "p d d"], x: Float[Tensor, "p c"]) -> Float[Tensor, "p c"]:
    """ρ(h_p) x_p: every row moved by its own matrix."""
    parts = []
    for channels, multiplicity, component in rep.slices():
        block = x[:, channels].unflatten(1, (multiplicity, component.size))
        if component.name == "standard":
            matrices = elements
        elif component.is_trivial:
            parts.append(x[:, channels])
            continue
        else:
            listed = [torch.from_numpy(component.on(h)) for h in elements.cpu().numpy()]
            matrices = torch.stack(listed) if listed else elements.new_zeros(0, component.size, component.size)
        parts.append(torch.einsum("pij,pmj->pmi", matrices.to(x), block).flatten(1))
    return torch.cat(parts, 1)


def weighted_axes(v: Float[Tensor, "b n d"], reflections: bool) -> tuple[Tensor, Tensor]:
    """Axes from every ordered choice of d - 1 vectors, made orthonormal one after the other, and their weights.

    A first vector weighs as its squared length; each further one, among those that can follow, as its squared height
    over the span of those before. A direction that is about to vanish weighs nothing, so the sum is continuous.

    Returns:
        axes as columns [B, K, d, d] and weights [B, K], which add up to 1.
    """
    b, n, d = v.shape
    listed = list(permutations(range(n), d - 1))
    choices = torch.tensor(listed, dtype=torch.long, device=v.device).reshape(len(listed), d - 1)
    chosen: list[Tensor] = []
    weights = v.new_ones(b, len(choices))
    for level in range(d - 1):
        rest = v[:, None].expand(b, len(choices), n, d)
        for e in chosen:
            rest = rest - (rest @ e[..., None]) * e[:, :, None]
        heights = (rest**2).sum(-1)
        used = torch.zeros(len(choices), n, dtype=torch.bool, device=v.device)
        used.scatter_(1, choices[:, :level], True)
        heights = heights.masked_fill(used, 0.0)
        own = heights.gather(2, choices[None, :, level, None].expand(b, -1, 1))[..., 0]
        total = heights.sum(-1)
        none = total <= NOTHING**2 * (v**2).sum((1, 2))[:, None]
        weights = weights * torch.where(none, 1.0 / (n - level), own / total.clamp_min(torch.finfo(v.dtype).tiny))
        picked = rest.gather(2, choices[None, :, level, None, None].expand(b, -1, 1, d))[:, :, 0]
        picked = torch.where(none[..., None], _beside(chosen, b, len(choices), v), picked)
        for e in chosen:  # once more, since heights may be small
            picked = picked - (picked * e).sum(-1, keepdim=True) * e
        chosen.append(picked / picked.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(v.dtype).tiny))
    last = _across(chosen, b, len(choices), v)
    axes = torch.stack([*chosen, last], -1)
    if not reflections:
        return axes, weights
    return torch.cat([axes, torch.stack([*chosen, -last], -1)], 1), torch.cat([weights, weights], 1) / 2


def _beside(chosen: list[Tensor], b: int, k: int, v: Tensor) -> Tensor:
    """The axis of space that is least in the span of the chosen directions."""
    eye = torch.eye(v.shape[2], dtype=v.dtype, device=v.device)
    inside = sum(((e**2) for e in chosen), v.new_zeros(b, k, v.shape[2]))
    return eye[inside.argmin(-1)]


def _across(chosen: list[Tensor], b: int, k: int, v: Tensor) -> Tensor:
    """The last axis, orthogonal to the others, with determinant 1."""
    d = v.shape[2]
    eye = torch.eye(d, dtype=v.dtype, device=v.device)
    columns = [
        torch.linalg.det(torch.stack([*chosen, eye[i].expand(b, k, d)], -1)) if chosen else v.new_ones(b, k)
        for i in range(d)
    ]
    return torch.stack(columns, -1)
