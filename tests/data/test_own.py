"""Files of one's own: loaded by name and options, known by their content, and loaded again by a run."""

import gzip

import numpy as np
import pytest
import torch

import erlangen as eg
from erlangen.cli import main
from erlangen.data import Interval, from_arrays, from_bed, from_scans, load, read_nifti, write_nifti
from erlangen.data.volume import Volume
from erlangen.errors import DataError, RunError, UnknownName
from erlangen.learn import Run

LETTERS = "ACGTTGCAANACGGT" * 8


def genome(tmp_path):
    path = tmp_path / "g.fa.gz"
    path.write_bytes(gzip.compress(f">a\n{LETTERS}\n>b\n{LETTERS[::-1]}\n".encode()))
    return path


def tiny(data):
    torch.manual_seed(0)
    return eg.derive(data.field(), data.task, "tiny")


def images(seed: int = 0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(20, 1, 8, 8, generator=random), torch.arange(20) % 2


def test_a_run_of_other_arrays_is_another_run(tmp_path) -> None:
    x, y = images()
    field = eg.Grid(2, (8, 8)).field("C4")
    first = from_arrays(x, y, field, eg.Classify(2))
    out = tmp_path / "run"
    eg.fit(tiny(first), first, epochs=1, out=out, progress=False)
    again = eg.fit(tiny(first), from_arrays(x, y, field, eg.Classify(2)), epochs=1, out=out, progress=False)
    assert again.metrics["test_loss"] == Run.load(out).metrics["test_loss"]
    for other in (from_arrays(x, 1 - y, field, eg.Classify(2)), from_arrays(x, y, field, eg.Classify(2), seed=1)):
        with pytest.raises(RunError, match="another run"):
            eg.fit(tiny(other), other, epochs=1, out=out, progress=False)


def test_a_run_of_other_windows_is_another_run(tmp_path) -> None:
    rows = [Interval("a", 5 * i, 5 * i + 10, score=i % 2) for i in range(12)]
    moved = [i._replace(start=i.start + 2, stop=i.stop + 2) for i in rows]
    first = from_bed(genome(tmp_path), rows, 10)
    eg.fit(tiny(first), first, epochs=1, out=tmp_path / "run", progress=False)
    changed = [i._replace(score=1 - i.score) for i in rows]
    for other in (from_bed(genome(tmp_path), moved, 10), from_bed(genome(tmp_path), changed, 10)):
        with pytest.raises(RunError, match="another run"):
            eg.fit(tiny(other), other, epochs=1, out=tmp_path / "run", progress=False)


def test_windows_by_name_on_the_command_line_and_again_by_the_audit(tmp_path, capsys) -> None:
    bed = tmp_path / "y.bed"
    bed.write_text("".join(f"{c}\t{5 * i}\t{5 * i + 10}\tx\t{i % 2}\n" for c in "ab" for i in range(15)))
    words = ["--data_options.genome", str(genome(tmp_path)), "--data_options.bed", str(bed)]
    words += ["--data_options.width=10", "--data_options.test=[b]", "--size=tiny", "--epochs=1"]
    assert main(["train", "--data=bed", "--group=RC", *words, "--out", str(tmp_path / "run")]) == 0
    run = Run.load(tmp_path / "run")
    assert len(run.data.test) == 15
    assert run.data.provenance["asked"] == "bed"
    assert main(["audit", str(tmp_path / "run")]) == 0
    assert "exact" in capsys.readouterr().out


def test_arrays_by_name(tmp_path) -> None:
    x, y = images()
    np.save(tmp_path / "x.npy", x.numpy())
    np.save(tmp_path / "y.npy", y.numpy())
    data = load("arrays", signals=str(tmp_path / "x.npy"), targets=str(tmp_path / "y.npy"))
    assert data.task == eg.Classify(2)
    assert data.field().group.name == "D4"
    assert [len(p) for p in (data.train, data.validation, data.test)] == [14, 2, 4]
    values = load("arrays", signals=str(tmp_path / "x.npy"), targets=str(tmp_path / "y.npy"), task="regress")
    assert values.task == eg.Regress(1)
    letters = np.eye(4, dtype=np.float32)[np.arange(60).reshape(6, 10) % 4].transpose(0, 2, 1)
    np.save(tmp_path / "l.npy", letters)
    np.save(tmp_path / "k.npy", np.arange(6) % 2)
    strand = load("arrays", signals=str(tmp_path / "l.npy"), targets=str(tmp_path / "k.npy"), domain="strand")
    assert strand.field().group.name == "RC"


def test_mistakes_in_words_are_explained(tmp_path) -> None:
    with pytest.raises(DataError, match=r"bed needs genome, bed, width\. Fix"):
        load("bed")
    with pytest.raises(UnknownName, match="option of bed"):
        load("bed", genom="x")
    with pytest.raises(UnknownName, match="task of arrays"):
        load("arrays", signals="x", targets="y", task="clasify")
    with pytest.raises(DataError, match="no such file"):
        load("arrays", signals=str(tmp_path / "x.npy"), targets="y")
    (tmp_path / "x.npy").write_text("no array")
    with pytest.raises(DataError, match="cannot read"):
        load("arrays", signals=str(tmp_path / "x.npy"), targets="y")
    with pytest.raises(UnknownName, match="data set"):
        load("beds")


def test_images_of_another_size_than_their_field_are_refused() -> None:
    x, y = images()
    with pytest.raises(DataError, match=r"points \[8, 8\], but their field is declared on .* Fix"):
        from_arrays(x, y, eg.Grid(2, (8, 9)).field("C1"), eg.Classify(2))


def test_predict_turns_scans_as_the_run_was_trained(tmp_path) -> None:
    pytest.importorskip("nibabel")
    for i in range(3):
        values = torch.randn(1, 8, 12, 10, generator=torch.Generator().manual_seed(i))
        volume = Volume(values, np.diag([1.0, 1.0, 2.0, 1.0]))
        write_nifti(tmp_path / "scans" / f"{i}.nii", volume)
        write_nifti(tmp_path / "labels" / f"{i}.nii", Volume((values > 0).long(), volume.affine))
    kept = from_scans(tmp_path / "scans", tmp_path / "labels", 2, orientation="IAL", validation=0.0, test=0.3)
    net = eg.derive(kept.field("C1"), kept.task, "tiny", widths=(24,))
    eg.fit(net, kept, epochs=1, batch_size=2, out=tmp_path / "run", progress=False)
    run = Run.load(tmp_path / "run")
    assert torch.equal(run.data.train.signals[0], kept.train.signals[0])
    scan = tmp_path / "scans" / "0.nii"
    files = [tmp_path / f"{name}.nii" for name in ("remembered", "said", "other")]
    assert main(["predict", str(tmp_path / "run"), str(scan), "--out", str(files[0]), "--window=16"]) == 0
    for word, path in (("IAL", files[1]), ("RAS", files[2])):
        words = ["predict", str(tmp_path / "run"), str(scan), "--out", str(path), "--window=16"]
        assert main([*words, f"--orientation={word}"]) == 0
    found = [read_nifti(path).values for path in files]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    other = from_scans(tmp_path / "scans", tmp_path / "labels", 2, orientation="RAS", validation=0.0, test=0.3)
    with pytest.raises(RunError, match="another run"):
        eg.fit(net, other, epochs=1, batch_size=2, out=tmp_path / "run", progress=False)
