"""Why an encoding step (crop, resize, tokeniser, voxeliser, normalisation) loses a symmetry, found by trying it.

Nothing is read from the code of the step: ramps tell where on the input every output lies, single points how large the
voxels are along each axis, and single mutations which letters every token reads.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from erlangen.audit.geometry import Reason
from erlangen.audit.parts import main_part
from erlangen.errors import ErlangenError

NEAR = 1e-3  # pixels
LONGEST = 1024  # letters
SWEEP = 257  # positions of a single point along each axis
FEW = 32  # samples at a time
Function = Callable[[Tensor], Any]


def why_encoding(step: Function, x: Tensor) -> Reason | None:
    """(cause, remedy) of an encoding step that is not equivariant; None if no probe explains it.

    Args:
        step: the function or module, on a batch.
        x: [B, C, *space] samples that it takes; letters [B, 4, L] where they are one-hot; points [B, 3N].
    """
    try:
        y = _run(step, x)
        if x.ndim > 2 and y.ndim == x.ndim:
            letters = x.ndim == 3 and x.shape[1] == 4 and bool(((x == 0) | (x == 1)).all())
            return _words(step, x, y) if letters else _places(step, x, y)
        if x.ndim == 2 and y.ndim in (4, 5) and x.shape[1] % (y.ndim - 2) == 0:
            return _voxels(step, x, y)
    except (ErlangenError, RuntimeError, TypeError, ValueError, IndexError):
        return None  # the step takes its own samples only
    return None


def _run(step: Function, x: Tensor) -> Tensor:
    value = main_part(step(x))[1]
    return value.x if hasattr(value, "on") else value


# maps: where does every pixel of the output lie on the input?


def _places(step: Function, x: Tensor, y: Tensor) -> Reason | None:
    shape, d = tuple(x.shape[2:]), x.ndim - 2
    ramps = torch.stack([_ramp(shape, axis) for axis in range(d)]).to(x)
    tried = torch.cat([torch.zeros(1, *shape), torch.ones(1, *shape), ramps.cpu(), ramps.sum(0, keepdim=True).cpu()])
    out = _run(step, tried[:, None].expand(-1, x.shape[1], *shape).to(x).contiguous())[:, 0].double()
    zero, one, alone, summed = out[0], out[1], out[2:-1], out[-1]
    if _varies(zero) or _varies(one - zero):
        return (
            "it adds to or multiplies every position by a value of its own (a mean image, a window, a position code)",
            "use one value for all positions, or one that the group leaves as it is",
        )
    straight = torch.allclose(summed - zero, (alone - zero).sum(0), atol=1e-3 * max(shape))
    if not straight or abs(float((one - zero).mean()) - 1) > 1e-3:
        return None
    places = [(alone[a] - zero).movedim(a, 0).reshape(alone.shape[1 + a], -1) for a in range(d)]
    if any(float((p - p[:, :1]).abs().max()) > NEAR for p in places):
        return None  # not one axis at a time
    lines = [p[:, 0] for p in places]
    return _askew(lines, shape) or _unequal(lines)


def _ramp(shape: tuple[int, ...], axis: int) -> Tensor:
    """Coordinates along one axis, from the centre."""
    n = shape[axis]
    view = [n if i == axis else 1 for i in range(len(shape))]
    return (torch.arange(n) - (n - 1) / 2).reshape(view).expand(shape)


def _varies(x: Tensor) -> bool:
    return float(x.max() - x.min()) > 1e-4 * max(1.0, float(x.abs().max()))


def _askew(lines: list[Tensor], shape: tuple[int, ...]) -> Reason | None:
    """Outputs that do not lie symmetrically about the centre."""
    for axis, (line, n) in enumerate(zip(lines, shape, strict=True)):
        off = float((line + line.flip(0)).mean() / 2)
        if float((line + line.flip(0)).abs().max()) <= 2 * NEAR:
            continue
        m = len(line)
        where = f"along axis {axis - len(shape)}"
        if m < n and bool(((line.diff() - 1).abs() < NEAR).all()):
            left = round(float(line.min()) + (n - 1) / 2)
            fix = (
                f"cut an even number of pixels, {n} to {m - 1} or {m + 1}"
                if (n - m) % 2
                else f"start at pixel {(n - m) // 2}"
            )
            return (
                f"the crop is off the centre by {abs(off):g} pixels {where}: it leaves {left} pixels before and "
                f"{n - m - left} after",
                f"{fix}, so that equal margins are left on both sides",
            )
        ends = float(line.min()) + (n - 1) / 2, (n - 1) / 2 - float(line.max())
        return (
            f"the resampled pixels do not lie symmetrically {where}: {n} to {m} pixels, the first is {ends[0]:.3g} "
            f"pixels from one end and the last {ends[1]:.3g} from the other, so the centre moves by {abs(off):.3g}",
            "align the centres: read at (i + 1/2)·n/m − 1/2 by interpolation (align_corners=False, antialias=True) "
            "instead of rounding indices down",
        )
    return None


def _unequal(lines: list[Tensor]) -> Reason | None:
    """Axes that are resampled by different factors."""
    steps = [float(line.diff().abs().mean()) if len(line) > 1 else 1.0 for line in lines]
    if max(steps) - min(steps) <= 1e-2 * max(steps):
        return None
    return (
        f"the pixels of the output are {' × '.join(f'{s:.3g}' for s in steps)} pixels of the input (last axis last): "
        f"not equal along all axes, which the group exchanges",
        "resize all axes by the same factor, or declare a grid with that spacing, whose group does not exchange them",
    )


# points to voxels: how large is a voxel along each axis, and where is the centre?


def _voxels(step: Function, x: Tensor, y: Tensor) -> Reason | None:
    d = y.ndim - 2
    reach = float(x.abs().max()) or 1.0
    t = torch.linspace(-reach, reach, SWEEP, dtype=x.dtype)
    found = []
    for axis in range(d):
        p = torch.full((SWEEP, x.shape[1] // d, d), 1e-3 * reach, dtype=x.dtype)
        p[:, :, axis] = t[:, None]
        weight = torch.cat([_profile(step, part, axis) for part in p.reshape(SWEEP, -1).split(FEW)])
        inside = weight.sum(1) > 0
        place = (weight * torch.arange(weight.shape[1])).sum(1) / weight.sum(1).clamp_min(1e-30)
        within = inside & (place > 0.01) & (place < weight.shape[1] - 1.01)
        if int(within.sum()) < 8:
            return None
        line = _line(t[within].double(), place[within])
        if line is None:
            return None
        found.append((line[0], line[1] - (weight.shape[1] - 1) / 2))
    sizes = [abs(size) for size, _ in found]
    if max(sizes) > 1.05 * min(sizes):
        words = " × ".join(f"{s:.2g}" for s in sizes)
        return (
            f"the voxels are not cubes: {words} along x, y, z in the units of the points, so a rotation that exchanges "
            f"these axes does not map voxels to voxels",
            "voxelise with one side for all axes; or declare the grid with its spacing, such as Grid(3, spacing=…), "
            "whose group has only the rotations that keep it",
        )
    worst = max(range(d), key=lambda a: abs(found[a][1]))
    if abs(found[worst][1]) > 0.1:
        return (
            f"the centre of the points lies {abs(found[worst][1]):.2g} voxels off the centre of the grid along "
            f"{'xyz'[worst]}",
            "centre the grid: bin by floor(p / side + n/2), with the origin in the middle of the n voxels",
        )
    return None


def _profile(step: Function, x: Tensor, axis: int) -> Tensor:
    """How much lies in every layer of voxels across an axis, [B, n]; x is the last axis."""
    out = _run(step, x).double().abs().sum(1)
    return out.movedim(out.ndim - 1 - axis, 1).flatten(2).sum(2)


def _line(t: Tensor, place: Tensor) -> tuple[float, float] | None:
    """(side, place of the origin) of a staircase or ramp place ≈ t / side + start; None if it does not climb."""
    enters = torch.cat([torch.tensor([False]), place.diff().abs() > 1e-6])
    if int(enters.sum()) < 2:
        return None
    first, last = t[enters][[0, -1]], place[enters][[0, -1]]
    climbed = float(last[1] - last[0])
    if abs(climbed) < 1e-9:
        return None
    side = float(first[1] - first[0]) / climbed
    return side, float((place - t / side).mean())


# letters to tokens: which letters does every token read?


def _words(step: Function, x: Tensor, y: Tensor) -> Reason | None:
    length, tokens = x.shape[2], y.shape[2]
    if length > LONGEST:
        return None
    one = x[:1]
    changed = one.expand(length, -1, -1).clone()
    index = torch.arange(length)
    changed[index, :, index] = changed[index, :, index].roll(1, dims=1)
    clean = _run(step, one)
    reads = torch.cat([(_run(step, part) != clean).any(1) for part in changed.split(FEW)]).T  # [tokens, letters]
    if not bool(reads.any()):
        return None
    starts = [int(row.nonzero()[0]) for row in reads if bool(row.any())]
    widths = [int(row.nonzero()[-1]) - int(row.nonzero()[0]) + 1 for row in reads if bool(row.any())]
    if bool((reads == reads.flip(0, 1)).all()):
        return (
            "the words are cut alike from both ends, but the word of the other strand is not the reverse complement "
            "of the word",
            "give every word and its reverse complement channels that the group exchanges, such as one-hot "
            "'kmers(k)' or one shared channel for both",
        )
    k, stride = max(widths), starts[1] - starts[0] if len(starts) > 1 else 1
    left = length - (starts[-1] + widths[-1])
    good = k + (length - k) // max(stride, 1) * max(stride, 1)
    rest = f"{left} letter{'s' if left != 1 else ''}"
    return (
        f"{tokens} words of {k} letters start at {', '.join(map(str, starts[:3]))} … and leave {rest} at the end: "
        f"read from the other end, the words start elsewhere",
        f"let the stride divide the length less a word: {good} or {good + stride} letters instead of {length}, or "
        f"stride 1",
    )
