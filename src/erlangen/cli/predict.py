"""`erlangen predict`: labels for a scan, from NIfTI to NIfTI; scores for sequences, from FASTA to a table."""

from pathlib import Path
from typing import TYPE_CHECKING

from erlangen.errors import DataError

if TYPE_CHECKING:
    from erlangen.learn import Run

FASTA = (".fa", ".fasta", ".fna", ".fas")


def predict(
    run: str,
    scan: str,
    out: str | None = None,
    spacing: float | list[float] | None = None,
    orientation: str | None = None,
    window: int = 64,
    overlap: float = 0.5,
    step: int | None = None,
    ambiguous: str | None = None,
    precision: str = "auto",
) -> int:
    """Label every voxel of a scan, or score windows along sequences, with a trained network.

    The labels of a scan have its voxels and its affine. Sequences give a table with a row a window: record, start and
    end (counted from 0, the end not included), and the probability of every class or the values.

    Args:
        run: the run folder: a segmentation of volumes, or a network for whole strands.
        scan: the scan, a .nii or .nii.gz file; or sequences, a FASTA file (.fa, .fasta, .fna, also .gz).
        out: where the result goes; beside the input with -labels or -scores in its name if not given.
        spacing: of the voxels of the training data in mm, one number for cubes or three for z, y, x; if not given, as
            the run remembers, else that of the grid of the network, else the finest of the scan.
        orientation: where the axes of the training data point; if not given, as the run remembers, else RAS.
        window: voxels of a window along each axis; less needs less memory.
        overlap: share of a window that its neighbour covers too.
        step: letters from window to window of a sequence; their width if not given.
        ambiguous: "N" reads the letters R, Y, M … of a sequence as unknown, "refuse" stops at them; as the run was
            told if not given.
        precision: auto, float32 or bfloat16.
    """
    from erlangen.learn import Run

    trained, path = Run.load(run), Path(scan)
    if path.name.lower().removesuffix(".gz").endswith(FASTA):
        return _score(trained, path, out, step, ambiguous, precision)
    options = trained.config["data"]["options"]
    spacing = options.get("spacing") if spacing is None else spacing
    orientation = options.get("orientation", "RAS") if orientation is None else orientation
    return _label(trained, path, out, spacing, orientation, window, overlap, precision)


def _label(
    run: "Run",
    scan: Path,
    out: str | None,
    spacing: float | list[float] | None,
    orientation: str,
    window: int,
    overlap: float,
    precision: str,
) -> int:
    from math import prod

    from erlangen.data import read_nifti, write_nifti
    from erlangen.learn.volumes import segment_volume

    stem, ending = (scan.name[:-7], ".nii.gz") if scan.name.endswith(".nii.gz") else (scan.stem, ".nii")
    path = Path(out or scan.with_name(f"{stem}-labels{ending}"))
    if not path.name.endswith((".nii", ".nii.gz")):
        raise DataError(f"labels are written as .nii or .nii.gz, not as {path.name!r}. Fix: another --out")
    volume = read_nifti(scan)
    shape = "×".join(map(str, volume.shape[::-1]))
    voxel = "×".join(f"{a:g}" for a in volume.spacing[::-1])
    print(f"scan     {scan}: {shape} voxels of {voxel} mm, axes {volume.orientation}", flush=True)
    words = {"window": window, "overlap": overlap, "precision": precision}
    labels = segment_volume(run.model, volume, spacing=spacing, orientation=orientation, **words)
    target = write_nifti(path, labels)
    for label in labels.values.unique().tolist():
        count = int((labels.values == label).sum())
        print(f"label {label}  {count:>10,} voxels, {count * prod(volume.spacing) / 1000:.2f} ml")
    print(f"labels   {target}")
    return 0


def _score(run: "Run", path: Path, out: str | None, step: int | None, ambiguous: str | None, precision: str) -> int:
    from itertools import chain
    from typing import BinaryIO

    from erlangen.files import write_atomically
    from erlangen.learn.sequences import score_sequences

    ambiguous = ambiguous or run.config["data"]["options"].get("ambiguous", "refuse")
    rows = score_sequences(run.model, path, step=step, task=run.task, ambiguous=ambiguous, precision=precision)
    first, count = next(rows), 0  # mistakes are told before a file is begun
    kind = "class" if run.task.name == "classify" else "value"
    head = ["#contig", "start", "end", *(f"{kind}_{i}" for i in range(len(first.scores)))]

    def write(file: BinaryIO) -> None:
        nonlocal count
        file.write(("\t".join(head) + "\n").encode())
        for row in chain([first], rows):
            count += 1
            cells = [row.contig, str(row.start), str(row.stop), *(f"{v:.6g}" for v in row.scores)]
            file.write(("\t".join(cells) + "\n").encode())

    stem = path.name[: -len(".gz")] if path.name.lower().endswith(".gz") else path.name
    target = write_atomically(Path(out) if out else path.with_name(f"{Path(stem).stem}-scores.tsv"), write)
    print(f"scores   {target}: {count:,} windows")
    return 0
