"""FASTA and BED files, genomes on disk, windows: what is read, and what is refused."""

import gzip
import os
import pickle

import pytest
import torch

from erlangen.data import Genome, Interval, WindowSplit, from_bed, read_bed, read_fasta
from erlangen.errors import DataError, MissingExtra, UnknownName
from erlangen.grids.strand import one_hot, reverse_complement

CHR1, CHR2 = "ACGTTGCANNACGGT" * 4, "TTTACGACGT" * 5


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "two.fa"
    folded = "\n".join(CHR1[i : i + 20] for i in range(0, len(CHR1), 20))
    path.write_text(f">chr1 the first\n{folded.lower()}\n\n>chr2\n{CHR2}\n")
    return path


def write(tmp_path, text: str, name: str = "x.fa"):
    path = tmp_path / name
    path.write_text(text)
    return path


def gzipped(path):
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


def test_records_are_read_in_upper_case_one_at_a_time(fasta) -> None:
    records = read_fasta(fasta)
    assert next(records) == ("chr1", "the first", CHR1)
    assert next(records) == ("chr2", "", CHR2)
    with pytest.raises(StopIteration):
        next(records)


def test_a_record_is_named_by_the_first_word_whatever_blank_follows(tmp_path) -> None:
    path = write(tmp_path, ">chr1\tfrom a table\r\nACGT\r\n> chr2  b\r\nAC\r\n")
    assert list(read_fasta(path)) == [("chr1", "from a table", "ACGT"), ("chr2", "b", "AC")]
    assert Genome(gzipped(path)).contigs == {"chr1": 4, "chr2": 2}
    pytest.importorskip("pyfaidx")
    assert Genome(write(tmp_path, ">chr1\tfrom a table\nACGT\n")).contigs == {"chr1": 4}


def test_comments_of_the_old_format_are_no_letters(tmp_path) -> None:
    path = write(tmp_path, ";made by hand\n>a\nACGT\n;half\nACGA\n")
    assert list(read_fasta(path)) == [("a", "", "ACGTACGA")]
    assert Genome(gzipped(path)).fetch("a", 4, 8) == "ACGA"
    pytest.importorskip("pyfaidx")
    with pytest.raises(DataError, match=r"line 1: a comment, so .* by place\. Fix: remove"):
        Genome(path)


def test_a_byte_order_mark_is_no_letter(tmp_path) -> None:
    path = tmp_path / "mark.fa"
    path.write_text(">a\nACGT\n", encoding="utf-8-sig")
    assert list(read_fasta(path)) == [("a", "", "ACGT")]
    (tmp_path / "mark.bed").write_text("chr1\t0\t4\n", encoding="utf-8-sig")
    assert list(read_bed(tmp_path / "mark.bed")) == [Interval("chr1", 0, 4)]
    pytest.importorskip("pyfaidx")
    with pytest.raises(DataError, match=r"line 1: a byte-order mark, .* Fix: remove it"):
        Genome(path)


def test_own_files_in_another_code_are_not_to_be_removed(tmp_path) -> None:
    path = tmp_path / "wide.fa"
    path.write_text(">a\nACGT\n", encoding="utf-16")
    for read in (read_fasta, read_bed):
        with pytest.raises(DataError, match=r"cannot read .* Fix: save it as plain text in UTF-8") as caught:
            list(read(path))
        assert "remove" not in str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
def test_two_records_of_one_name_are_refused(tmp_path, packed: bool) -> None:
    path = write(tmp_path, ">a\nACGT\n>b\nA\n>a\nGG\n")
    if not packed:
        pytest.importorskip("pyfaidx")
    with pytest.raises(DataError, match=r"two records called 'a'.* Fix: rename"):
        Genome(gzipped(path) if packed else path)


def test_compressed_files_are_read_alike(fasta, tmp_path) -> None:
    packed = tmp_path / "two.fa.gz"
    packed.write_bytes(gzip.compress(fasta.read_bytes()))
    assert list(read_fasta(packed)) == list(read_fasta(fasta))
    packed.write_bytes(packed.read_bytes()[:40])
    with pytest.raises(DataError, match="cannot read"):
        list(read_fasta(packed))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no sequence.*Fix"),
        ("\n\n", "holds no sequence"),
        ("ACGT\n", "line 1: 'ACGT' stands before the first header"),
        (">a\n>b\nACGT\n", "record 'a' has no letters"),
        (">a\nACGT\n> \nACGT\n", "line 3: the header has no name"),
        (">a\nACGT\nACXT\n", "line 3: 'X' at place 3 is outside ACGTN.*replace them by N"),
        (">a\nACRT\n", "'R' at place 3.*ambiguous='N'"),
        (">a\nACGU\n", "'U' at place 4.*this is RNA"),
    ],
)
def test_bad_fasta_is_refused_with_a_remedy(tmp_path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_fasta(write(tmp_path, text)))


def test_codes_of_several_letters_become_n_when_asked(tmp_path) -> None:
    path = write(tmp_path, ">a\nacRyT\n")
    assert next(read_fasta(path, ambiguous="N")).sequence == "ACNNT"
    with pytest.raises(UnknownName, match="refuse, N"):
        list(read_fasta(path, ambiguous="drop"))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*nowhere\.fa"):
        list(read_fasta(tmp_path / "nowhere.fa"))
    pytest.importorskip("pyfaidx")
    with pytest.raises(DataError, match="does not exist"):
        Genome(tmp_path / "nowhere.fa")


@pytest.mark.parametrize("packed", [False, True])
def test_a_genome_is_read_by_place(fasta, tmp_path, packed: bool) -> None:
    if packed:
        path = tmp_path / "two.fa.gz"
        path.write_bytes(gzip.compress(fasta.read_bytes()))
    else:
        pytest.importorskip("pyfaidx")
        path = fasta
    genome = Genome(path)
    assert genome.contigs == {"chr1": 60, "chr2": 50}
    assert genome.fetch("chr1", 18, 31) == CHR1[18:31]
    assert genome.fetch("chr2", 40, 50, "-") == reverse_complement(CHR2[40:50])
    assert pickle.loads(pickle.dumps(genome)).fetch("chr1", 0, 7) == CHR1[:7]
    assert repr(genome) == f"Genome({path.name}: 2 contigs, 110 letters)"
    with pytest.raises(DataError, match=r"chr2:45-51 is no stretch of chr2, which has the letters 0 to 50"):
        genome.fetch("chr2", 45, 51)
    with pytest.raises(UnknownName, match="Did you mean 'chr1'"):
        genome.fetch("Chr1", 0, 4)
    assert genome.fetch("chr1", 0, 4, ".") == CHR1[:4]
    with pytest.raises(DataError, match=r"strand must be .* got 'foo'"):
        genome.fetch("chr1", 0, 4, "foo")


def test_a_genome_checks_what_it_reads(tmp_path) -> None:
    pytest.importorskip("pyfaidx")
    path = write(tmp_path, ">a\nACGTRACGT\n")
    assert Genome(path).fetch("a", 0, 4) == "ACGT"
    with pytest.raises(DataError, match="'R' at place 3 is outside"):
        Genome(path).fetch("a", 2, 6)
    assert Genome(path, ambiguous="N").fetch("a", 2, 6) == "GTNA"
    with pytest.raises(DataError, match=r"no FASTA file|holds no sequence"):
        Genome(write(tmp_path, "", "empty.fa"))


def test_a_read_only_folder_keeps_its_index_in_the_cache(fasta, own_cache, monkeypatch) -> None:
    pytest.importorskip("pyfaidx")
    monkeypatch.setattr("erlangen.data.fasta.os.access", lambda *_: False)
    assert Genome(fasta).fetch("chr2", 0, 4) == "TTTA"
    assert not fasta.with_name("two.fa.fai").exists()
    assert list((own_cache / "fasta").glob("two.fa-*.fai"))


def test_an_old_index_that_cannot_be_replaced_is_left_alone(fasta, own_cache, monkeypatch) -> None:
    """As a copy of a genome has it whose files were copied in another order."""
    pytest.importorskip("pyfaidx")
    Genome(fasta)
    index = fasta.with_name("two.fa.fai")
    os.utime(index, (1, 1))
    monkeypatch.setattr("erlangen.data.fasta.os.access", lambda *_: False)
    assert Genome(fasta).fetch("chr2", 0, 4) == "TTTA"
    assert index.stat().st_mtime == 1
    assert list((own_cache / "fasta").glob("two.fa-*.fai"))


def test_without_pyfaidx_the_extra_is_named(fasta, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyfaidx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'erlangen\[bio\]'"):
        Genome(fasta)


def test_intervals_are_read(tmp_path) -> None:
    text = "#c\ntrack name=x\nchr1\t5\t15\tpeak one\t1\t-\textra\nchr2 0 10\n\n"
    assert list(read_bed(write(tmp_path, text))) == [
        Interval("chr1", 5, 15, "peak one", 1.0, "-"),
        Interval("chr2", 0, 10, score=None),
    ]


def test_contigs_may_begin_like_lines_for_browsers(tmp_path) -> None:
    text = "browser hide all\ntrack\tname=x\ntracker1\t0\t4\nbrowser2 1 5\n  # c\n"
    assert [i.contig for i in read_bed(write(tmp_path, text))] == ["tracker1", "browser2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no interval"),
        ("track name=x\n", "holds no interval"),
        ("chr1\t5\n", "line 1: 2 columns"),
        ("chr1\t5\tten\n", "must be numbers"),
        ("chr1\t9\t9\n", "empty or negative"),
        ("chr1\t-1\t9\n", "empty or negative"),
        ("chr1\t1\t9\ta\t0\tminus\n", "strand must be"),
    ],
)
def test_bad_intervals_are_refused_by_line(tmp_path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_bed(write(tmp_path, text)))


@pytest.mark.parametrize("width", [8, 9])
@pytest.mark.parametrize(("start", "stop"), [(20, 30), (20, 31)])
def test_the_window_of_a_mirrored_interval_is_the_mirrored_window(width: int, start: int, stop: int) -> None:
    window = Interval("chr1", start, stop, strand="+").window(width)
    mirrored = Interval("chr1", 60 - stop, 60 - start, strand="-").window(width)
    assert (mirrored.start, mirrored.stop) == (60 - window.stop, 60 - window.start)
    assert window.stop - window.start == width


def packed(fasta) -> Genome:
    path = fasta.with_suffix(".fa.gz")
    path.write_bytes(gzip.compress(fasta.read_bytes()))
    return Genome(path)


def test_windows_are_read_along_their_strand(fasta) -> None:
    genome = packed(fasta)
    intervals = [Interval("chr1", 10, 20), Interval("chr1", 10, 20, strand="-"), Interval("chr2", 0, 4)]
    split = WindowSplit(genome, intervals, torch.tensor([0, 1, 1]), 6, outside="pad")
    signals, targets = split.batch([0, 1, 2])
    texts = [CHR1[12:18], reverse_complement(CHR1[12:18]), "N" + CHR2[:5]]
    assert torch.equal(signals, one_hot(texts))
    assert targets.tolist() == [0, 1, 1]
    assert split.take([2]).letters(0) == texts[2]
    assert split.batch([])[0].shape == (0, 4, 6)


def test_a_padded_window_mirrors(fasta) -> None:
    genome = packed(fasta)
    pair = [Interval("chr2", 46, 50, strand=s) for s in "+-"]
    forward, backward = (WindowSplit(genome, [i], torch.zeros(1), 12, "pad").letters(0) for i in pair)
    assert forward.endswith("NNNN")
    assert backward == reverse_complement(forward)


def test_windows_beyond_the_contig_are_refused(fasta) -> None:
    genome = packed(fasta)
    with pytest.raises(DataError, match=r"chr2:44-60 is no stretch of chr2.*same assembly"):
        WindowSplit(genome, [Interval("chr2", 44, 60)], torch.zeros(1), 4)
    with pytest.raises(DataError, match=r"leaves the contig, which has 50.*outside='pad'"):
        WindowSplit(genome, [Interval("chr2", 0, 4)], torch.zeros(1), 20)
    with pytest.raises(UnknownName, match="chr3"):
        WindowSplit(genome, [Interval("chr3", 0, 4)], torch.zeros(1), 4)


def test_a_data_set_from_files_is_split_by_contig(fasta, tmp_path) -> None:
    rows = "".join(f"{c}\t{s}\t{s + 10}\tx\t{s % 20 // 10}\n" for c in ("chr1", "chr2") for s in range(0, 50, 10))
    data = from_bed(packed(fasta), write(tmp_path, rows, "peaks.bed"), 10, test=["chr2"])
    assert (len(data.train), len(data.validation), len(data.test)) == (5, 0, 5)
    assert data.field().rep == data.space.field("RC", "letters").rep
    assert data.task.describe()["classes"] == 2
    assert data.train.targets.tolist() == [0, 1, 0, 1, 0]
    with pytest.raises(DataError, match="nothing is left to train on"):
        from_bed(packed(fasta), write(tmp_path, rows, "peaks.bed"), 10, test=["chr1", "chr2"])
    with pytest.raises(UnknownName, match="contig"):
        from_bed(packed(fasta), write(tmp_path, rows, "peaks.bed"), 10, test=["chrX"])


def test_fit_reads_windows_from_disk(fasta, tmp_path) -> None:
    import erlangen as eg

    rows = "".join(f"chr{c}\t{s}\t{s + 10}\tx\t{s % 2}\n" for c in (1, 2) for s in range(0, 40, 3))
    data = from_bed(packed(fasta), write(tmp_path, rows, "peaks.bed"), 16, test=["chr2"], outside="pad")
    run = eg.fit(eg.derive(data.field(), data.task, "tiny"), data, epochs=1, batch_size=4, progress=False)
    assert run.metrics["test_loss"] > 0


@pytest.mark.parametrize("scores", [[0, 0, 0], [1, 2, 1], [0, 1000, 870], [-1, 0, 1]])
def test_scores_that_are_no_classes_are_refused(fasta, scores: list[int]) -> None:
    intervals = [Interval("chr1", 10 * i, 10 * i + 10, score=s) for i, s in enumerate(scores)]
    with pytest.raises(DataError, match=r"classes are numbered 0, 1, … .* Fix: .*targets= and task="):
        from_bed(packed(fasta), intervals, 8)


@pytest.mark.parametrize("rows", ["chr1\t0\t9\nchr1\t9\t18\n", "chr1\t0\t9\tx\t1\nchr1\t9\t18\tx\t.\n"])
def test_intervals_without_a_score_are_no_targets(fasta, tmp_path, rows: str) -> None:
    import erlangen as eg

    bed = write(tmp_path, rows, "peaks.bed")
    for task in (None, eg.Classify(2), eg.Regress(1)):
        with pytest.raises(DataError, match=r"of 2 intervals have no score, .* Fix: .*fifth column, or give targets="):
            from_bed(packed(fasta), bed, 8, task=task)
    assert from_bed(packed(fasta), bed, 8, [1, 0], task=eg.Classify(2)).train.targets.tolist() == [1, 0]


def test_values_of_ones_own_may_be_regressed(fasta) -> None:
    import erlangen as eg

    intervals = [Interval("chr1", 0, 10), Interval("chr2", 0, 10)]
    data = from_bed(packed(fasta), intervals, 8, [0.5, 2.5], task=eg.Regress(1), test=["chr2"])
    assert data.test.targets.tolist() == [[2.5]]
    with pytest.raises(DataError, match="2 intervals but 3 targets"):
        from_bed(packed(fasta), intervals, 8, [0, 1, 0])


def test_contigs_to_hold_out_are_names_and_named_once(tmp_path) -> None:
    path = write(tmp_path, "".join(f">{name}\n{CHR1}\n" for name in ("1", "2", "12")))
    packed = gzipped(path)
    intervals = [Interval(c, 0, 8, score=s) for c in ("1", "2", "12") for s in (0, 1)]
    data = from_bed(packed, intervals, 8, test="12", validation="2")
    assert {i.contig for i in data.test.intervals} == {"12"}
    assert {i.contig for i in data.validation.intervals} == {"2"}
    assert data.provenance["test"] == ["12"]
    numbered = from_bed(packed, intervals, 8, test=12, validation=[2])
    assert (numbered.provenance["test"], numbered.provenance["validation"]) == (["12"], ["2"])
    with pytest.raises(DataError, match=r"2 in validation and in test\. Fix"):
        from_bed(packed, intervals, 8, test=["1", "2"], validation="2")


@pytest.mark.parametrize("scores", [[0.4, 0.6, 1.5], [0, 1, float("nan")]])
def test_fractions_and_nan_are_no_classes(fasta, scores: list[float]) -> None:
    import erlangen as eg

    intervals = [Interval("chr1", 10 * i, 10 * i + 10, score=s) for i, s in enumerate(scores)]
    for task in (None, eg.Classify(2)):
        with pytest.raises(DataError, match="numbers that are no classes"):
            from_bed(packed(fasta), intervals, 8, task=task)
    if scores[0]:
        data = from_bed(packed(fasta), intervals, 8, task=eg.Regress(1))
        assert data.train.targets.flatten().tolist() == pytest.approx(scores)


def test_targets_of_windows_fit_the_task(fasta) -> None:
    import erlangen as eg

    intervals = [Interval("chr1", 0, 10), Interval("chr2", 0, 10)]
    with pytest.raises(DataError, match=r"targets are \[2, 2\], but .*Profile.* needs \[N, 2, 8\]"):
        from_bed(packed(fasta), intervals, 8, torch.ones(2, 2), task=eg.Profile("regular"))
    assert from_bed(packed(fasta), intervals, 8, torch.ones(2, 2, 8), task=eg.Profile("regular")).train


def test_forked_workers_read_their_own_places(tmp_path) -> None:
    import multiprocessing
    import random

    pytest.importorskip("pyfaidx")
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork")
    drawn = random.Random(0)
    letters = "".join(drawn.choices("ACGT", k=400_000))
    path = write(tmp_path, ">a\n" + "\n".join(letters[i : i + 60] for i in range(0, len(letters), 60)) + "\n")
    genome = Genome(path)
    assert genome.fetch("a", 10, 40) == letters[10:40]
    starts = [drawn.randrange(399_000) for _ in range(3000)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        found = pool.starmap(genome.fetch, [("a", s, s + 500) for s in starts], chunksize=10)
    assert all(text == letters[s : s + 500] for s, text in zip(starts, found, strict=True))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (">a\nACGT \nACGT \n", "line 2: blanks"),
        (">a\nACGT\n ACG\n", "line 3: blanks"),
        (">a\rACGT\r", "line 1: ends of lines"),
        (">a\n>b\nACGT\n", "line 2: the record before"),
        (">a\nACGT\n>b\n", "line 3: the last record"),
        ("ACGT\n>b\nACGT\n", "line 1: letters before the first header"),
        (">\nACGT\n", "line 1: a header without a name"),
    ],
)
def test_files_that_an_index_would_misread_are_refused(tmp_path, text: str, what: str) -> None:
    pytest.importorskip("pyfaidx")
    path = tmp_path / "x.fa"
    path.write_bytes(text.encode())
    with pytest.raises(DataError, match=f"{what}.* Fix: remove it"):
        Genome(path)


def test_an_index_of_another_file_is_not_believed(tmp_path) -> None:
    import os

    pytest.importorskip("pyfaidx")
    letters = "ACGGTTTACG" * 30
    path = write(tmp_path, ">a\n" + "\n".join(letters[i : i + 60] for i in range(0, 300, 60)) + "\n>b\nAC\n")
    assert Genome(path).fetch("a", 100, 120) == letters[100:120]
    index = path.with_name(path.name + ".fai")
    before = index.read_text()
    write(tmp_path, ">a\n" + "\n".join(letters[i : i + 50] for i in range(0, 300, 50)) + "\n>b\nAC\n")
    os.utime(path, (index.stat().st_mtime - 100, index.stat().st_mtime - 100))  # as cp -p leaves it
    genome = Genome(path)
    assert all(genome.fetch("a", s, s + 20) == letters[s : s + 20] for s in range(0, 280, 7))
    assert index.read_text() == before


def test_compressed_files_are_known_by_their_bytes(fasta, tmp_path) -> None:
    odd = tmp_path / "X.FA.BGZ"
    odd.write_bytes(gzip.compress(fasta.read_bytes()))
    assert Genome(odd).fetch("chr2", 0, 10) == CHR2[:10]
    rows = tmp_path / "X.BED.GZ"
    rows.write_bytes(gzip.compress(b"chr1\t0\t4\n"))
    assert list(read_bed(rows)) == [Interval("chr1", 0, 4)]


def test_targets_with_a_direction_follow_the_strand(fasta) -> None:
    import erlangen as eg

    intervals = [Interval("chr1", 8, 16, strand=s) for s in "+-"]
    cut = torch.rand(1, 2, 8).expand(2, 2, 8)
    task = eg.Profile("regular")
    with pytest.raises(DataError, match=r"1 intervals lie on strand '-'.* Fix: targets_along='genome'"):
        from_bed(packed(fasta), intervals, 8, cut, task=task)
    kept = from_bed(packed(fasta), intervals, 8, cut, task=task, targets_along="strand").train
    assert torch.equal(kept.targets, cut)
    turned = from_bed(packed(fasta), intervals, 8, cut, task=task, targets_along="genome").train
    x, y = turned.batch([0, 1])
    field = eg.Strand(8).field("RC", "letters")
    assert torch.equal(x[1:], field.act(1, x[:1]))
    assert torch.equal(y[1:], field.with_rep("regular").act(1, y[:1]))
    labelled = eg.Segment(4, rep="letters")
    marks = torch.tensor([[0, 1, 2, 3, -1, 0, 0, 0]]).expand(2, 8)
    found = from_bed(packed(fasta), intervals, 8, marks, task=labelled, targets_along="genome").train.targets
    assert found.tolist() == [[0, 1, 2, 3, -1, 0, 0, 0], [3, 3, 3, -1, 0, 1, 2, 3]]
    counts = from_bed(packed(fasta), intervals, 8, [[1, 2], [1, 2]], task=eg.Count("regular"), targets_along="genome")
    assert counts.train.targets.tolist() == [[1, 2], [2, 1]]
    assert from_bed(packed(fasta), intervals, 8, [1, 0], task=eg.Classify(2)).train.targets.tolist() == [1, 0]


def test_targets_with_a_direction_are_one_an_interval(fasta) -> None:
    import erlangen as eg

    intervals = [Interval("chr1", 8, 16, strand="-") for _ in range(3)]
    with pytest.raises(DataError, match="3 intervals but 2 targets"):
        from_bed(packed(fasta), intervals, 8, torch.ones(2, 2), task=eg.Count("regular"), targets_along="genome")


def test_counts_below_zero_are_refused(fasta) -> None:
    import erlangen as eg

    with pytest.raises(DataError, match=r"1 targets of Count are negative.* Fix"):
        from_bed(packed(fasta), [Interval("chr1", 0, 8)], 8, [[1, -2]], task=eg.Count("regular"))
