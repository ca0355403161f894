"""From a scan to labels on its own voxels: turn, resample, normalise, predict by windows, and all the way back."""

from collections.abc import Sequence

from torch import nn

from erlangen.blueprint import EquivariantModule, Segment
from erlangen.data import Volume
from erlangen.data.resample import like, on_voxels, voxel_size
from erlangen.data.volume import normalised
from erlangen.errors import DomainError
from erlangen.grids import Grid
from erlangen.learn.window import sliding_window


def segment_volume(
    model: nn.Module,
    scan: Volume,
    *,
    spacing: "float | Sequence[float] | None" = None,
    orientation: str = "RAS",
    window: int = 64,
    overlap: float = 0.5,
    precision: str = "float32",
) -> Volume:
    """Labels for every voxel of a scan, on the scan's own voxels and affine.

    The scan is turned to the orientation of the training data, resampled to its voxels, scaled to mean 0 and standard
    deviation 1, and predicted window by window.

    Args:
        model: from [B, C, z, y, x] to one logit a class and voxel, such as a derived network for `Segment`.
        scan: the volume as it was read.
        spacing: of the voxels the model was trained on, in mm, one number for cubes or one for each of z, y, x (of the
            scan as it is turned); None takes that of the field of the model, else cubes of the scan's finest.
        orientation: of the axes the model was trained on.
        window: voxels of a window along each axis.
        overlap: share of a window that its neighbour covers too.
        precision: mode of `erlangen.blueprint.precision`.

    Returns:
        [1, z, y, x] of labels, with the shape and the affine of the scan.

    Raises:
        DomainError: the model is for another domain or task, or the scan has other channels.
        DataError: voxels of the scan are NaN or infinite, or the spacing is none.
    """
    declared = _spacing_of(model, scan) if isinstance(model, EquivariantModule) else None
    if spacing is None:
        spacing = min(scan.spacing) if declared is None else declared
    turned = scan.check_finite().reoriented(orientation)
    moved = on_voxels(turned, voxel_size(spacing, f"voxels for {scan.name}"))
    logits = sliding_window(model, normalised(moved.values), window, overlap=overlap, precision=precision)
    return like(Volume(logits.argmax(0, keepdim=True), moved.affine, scan.name), scan)


def _spacing_of(model: EquivariantModule, scan: Volume) -> tuple[float, ...] | None:
    """The spacing that the field of a model declares, once model and scan fit."""
    space, task = model.in_field.space, getattr(model, "task", None)
    if not isinstance(space, Grid) or space.d != 3 or (task is not None and not isinstance(task, Segment)):
        raise DomainError(
            f"labels of voxels need a network for Segment(n) on Grid(3), this one is for {task} on {space}"
        )
    if model.in_field.size != len(scan.values):
        raise DomainError(f"{scan.name} has {len(scan.values)} channels, the network expects {model.in_field.size}")
    return space.spacing
