"""From square pixels to hexagonal cells and back, and turns by any angle, each by one interpolation.

All three are affine maps between boxes: axial coordinates are linear in those of the plane.
"""

from math import cos, pi, sin

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor
from torch.nn import functional

from erlangen.errors import DomainError
from erlangen.grids.hexagon.lattice import BASIS, masked, radius_of

MODES = ("bilinear", "bicubic")
LARGER = 1.25  # pixels between cells from which on images are smoothed


def matching_radius(height: int, width: int) -> int:
    """The radius of a hexagon about the circle inscribed in the image, whose cells are as large as its pixels."""
    side = (2 / 3**0.5) ** 0.5  # distance of neighbours whose cells have area 1
    return max(1, round(min(height, width) / (3**0.5 * side) - 0.5))


def cell_spacing(height: int, width: int, radius: int) -> float:
    """Distance of neighbouring cells, in pixels, at which the hexagon holds the circle inscribed in the image."""
    return min(height, width) / (3**0.5 * (radius + 0.5))


def to_hexagon(
    images: Num[Tensor, "b c h w"],
    radius: int | None = None,
    degrees: "float | Tensor" = 0.0,
    mode: str = "bicubic",
) -> Float[Tensor, "b c n n"]:
    """Sample images on the cells of a hexagon that holds their inscribed circle; what lies outside it is lost.

    Where the cells are clearly larger than the pixels, the image is smoothed first, so that nothing aliases.

    Args:
        images: of square pixels, real or whole numbers; zero outside.
        radius: R, for n = 2R + 1; None chooses cells of the area of a pixel.
        degrees: turns the image, x axis to y axis, on the way: one angle, or one for each image [B].
        mode: "bicubic" or "bilinear" interpolation; the first overshoots by up to a tenth of a jump beside an edge.

    Returns:
        Signals on `HexGrid(radius)`, zero in the dead corners.

    Raises:
        DomainError: another number of axes or of angles, a radius that is no whole number or below 1, or no such mode.
    """
    if images.ndim != 4:
        raise DomainError(f"to_hexagon takes images [B, C, height, width], got {list(images.shape)}")
    if not all(images.shape[2:]):
        raise DomainError(f"an image of {'×'.join(map(str, images.shape[2:]))} pixels has nothing to sample")
    height, width = images.shape[2:]
    chosen = matching_radius(height, width) if radius is None else radius
    if not isinstance(chosen, int) or isinstance(chosen, bool) or chosen < 1:
        raise DomainError(f"a hexagon needs a whole radius of at least 1, got {radius!r}")
    n, step = 2 * chosen + 1, cell_spacing(height, width, chosen)
    pull = np.diag([2 / width, 2 / height]) @ (step * np.eye(2))
    images = images if images.is_floating_point() else images.to(torch.get_default_dtype())
    return masked(_sample(_softened(images, step), pull, BASIS * (n / 2), degrees, (n, n), mode))


def _softened(images: Tensor, step: float) -> Tensor:
    """Images for samples `step` pixels apart: a Gaussian of half that width beforehand, none for about a pixel."""
    if step <= LARGER:
        return images
    width = (step**2 - 1) ** 0.5 / 2
    reach = int(3 * width) + 1
    taps = torch.exp(-(torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device) ** 2) / (2 * width**2))
    line = (taps / taps.sum()).expand(images.shape[1], 1, -1)
    down = functional.conv2d(images, line[..., None], padding=(reach, 0), groups=images.shape[1])
    return functional.conv2d(down, line[:, :, None], padding=(0, reach), groups=images.shape[1])


def to_square(
    x: Float[Tensor, "b c n n"], height: int, width: int | None = None, mode: str = "bicubic"
) -> Float[Tensor, "b c h w"]:
    """Sample a hexagon on square pixels: the way back from `to_hexagon`, for looking at it.

    Args:
        x: signals on a hexagonal grid.
        height: rows of pixels.
        width: columns; as many as rows by default.
        mode: "bicubic" or "bilinear" interpolation in axial coordinates.

    Raises:
        DomainError: rows or columns that are no whole number or below 1, or no such mode.
    """
    radius = radius_of(x.shape[2:])
    width = height if width is None else width
    if any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in (height, width)):
        raise DomainError(f"a picture has whole numbers of rows and columns, at least 1; got {height!r} and {width!r}")
    step = cell_spacing(height, width, radius)
    pull = np.linalg.inv(BASIS) / (step * (radius + 0.5))
    return _sample(masked(x), pull, np.diag([width / 2, height / 2]), 0.0, (height, width), mode)


def turn_cells(
    x: Float[Tensor, "b c n n"], degrees: "float | Tensor", mode: str = "bilinear"
) -> Float[Tensor, "b c n n"]:
    """Turn signals on a hexagon about its centre, x axis to y axis, with zeros from outside; exact at 60°.

    Args:
        x: signals on a hexagonal grid.
        degrees: one angle, or one for each signal [B].
        mode: "bilinear" or "bicubic" interpolation in axial coordinates.
    """
    n = 2 * radius_of(x.shape[2:]) + 1
    return masked(_sample(x, np.linalg.inv(BASIS) * (2 / n), BASIS * (n / 2), degrees, (n, n), mode))


def _sample(
    x: Tensor, pull: np.ndarray, place: np.ndarray, degrees: "float | Tensor", size: tuple[int, int], mode: str
) -> Tensor:
    """x at pull · R(-degrees) · place · p for every point p of the output, in torch's coordinates from -1 to 1."""
    if mode not in MODES:
        raise DomainError(f"mode is one of {', '.join(MODES)}, got {mode!r}")
    if isinstance(degrees, Tensor) and degrees.numel() not in (1, len(x)):
        raise DomainError(f"one angle, or one for each of {len(x)} signals, got {degrees.numel()}")
    angle = torch.as_tensor(degrees, dtype=torch.float64, device=x.device).expand(len(x)) * (pi / 180)
    c, s = angle.cos(), angle.sin()
    back = torch.stack([torch.stack([c, s], -1), torch.stack([-s, c], -1)], -2)  # g⁻¹ on (x, y)
    left, right = (torch.from_numpy(np.ascontiguousarray(m)).to(x.device) for m in (pull, place))
    theta = (left @ back @ right).to(x.dtype)
    down, across = (((2 * torch.arange(n, dtype=x.dtype, device=x.device) + 1) / n - 1) for n in size)
    points = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)  # [rows, columns, (x, y)]
    where = torch.einsum("bij,hwj->bhwi", theta, points)
    return functional.grid_sample(x, where, mode=mode, padding_mode="zeros", align_corners=False)


def rotation_matrix(degrees: float) -> np.ndarray:
    """The turn of the plane by an angle, x axis to y axis."""
    c, s = cos(degrees * pi / 180), sin(degrees * pi / 180)
    return np.array([[c, -s], [s, c]])
