"""`erlangen predict`: labels for a scan, from NIfTI to NIfTI."""


def predict(
    run: str,
    scan: str,
    out: str | None = None,
    spacing: float | list[float] | None = None,
    orientation: str | None = None,
    window: int = 64,
    overlap: float = 0.5,
    precision: str = "auto",
) -> int:
    """Label every voxel of a scan with a trained network; the labels have the voxels and the affine of the scan.

    Args:
        run: the run folder of a segmentation of volumes.
        scan: the scan, a .nii or .nii.gz file.
        out: where the labels go, .nii or .nii.gz; beside the scan with -labels in its name if not given.
        spacing: of the voxels of the training data in mm, one number for cubes or three for z, y, x; if not given, as
            the run remembers, else that of the grid of the network, else the finest of the scan.
        orientation: where the axes of the training data point; if not given, as the run remembers, else RAS.
        window: voxels of a window along each axis; less needs less memory.
        overlap: share of a window that its neighbour covers too.
        precision: auto, float32 or bfloat16.
    """
    from math import prod
    from pathlib import Path

    from erlangen.data import read_nifti, write_nifti
    from erlangen.learn import Run
    from erlangen.learn.volumes import segment_volume

    trained = Run.load(run)
    model, options = trained.model, trained.config["data"]["options"]
    spacing = options.get("spacing") if spacing is None else spacing
    orientation = options.get("orientation", "RAS") if orientation is None else orientation
    volume = read_nifti(scan)
    shape = "×".join(map(str, volume.shape[::-1]))
    voxel = "×".join(f"{a:g}" for a in volume.spacing[::-1])
    print(f"scan     {scan}: {shape} voxels of {voxel} mm, axes {volume.orientation}", flush=True)
    labels = segment_volume(
        model,
        volume,
        spacing=spacing,
        orientation=orientation,
        window=window,
        overlap=overlap,
        precision=precision,
    )
    path = Path(scan)
    stem, ending = (path.name[:-7], ".nii.gz") if path.name.endswith(".nii.gz") else (path.stem, ".nii")
    target = write_nifti(out or path.with_name(f"{stem}-labels{ending}"), labels)
    for label in labels.values.unique().tolist():
        count = int((labels.values == label).sum())
        print(f"label {label}  {count:>10,} voxels, {count * prod(volume.spacing) / 1000:.2f} ml")
    print(f"labels   {target}")
    return 0
