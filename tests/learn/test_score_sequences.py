"""From a FASTA file to a table of scores: places, padding, both strands, and what is refused."""

import tracemalloc

import pytest
import torch

import erlangen as eg
from erlangen.cli import main
from erlangen.data import Interval, from_bed
from erlangen.errors import DomainError
from erlangen.grids.strand import one_hot, reverse_complement
from erlangen.learn import Run
from erlangen.learn.sequences import score_sequences

TEXT = "ACGTTGCAAGACGGTCCATG" * 3


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text(f">a\n{TEXT}\n>short\nACG\n>exact\n{TEXT[:20]}\n>back\n{reverse_complement(TEXT)}\n")
    return path


def classifier(length: int | None = 20) -> eg.Network:
    torch.manual_seed(0)
    return eg.derive(eg.Strand(length).field("RC", "letters"), eg.Classify(3), "tiny").eval()


def test_every_window_of_every_record(fasta) -> None:
    net = classifier()
    rows = list(score_sequences(net, fasta, step=15, batch_size=4))
    assert [(r.contig, r.start, r.stop) for r in rows if r.contig != "back"] == [
        *(("a", s, s + 20) for s in (0, 15, 30, 40)),
        ("short", 0, 3),
        ("exact", 0, 20),
    ]
    for row in rows:
        assert sum(row.scores) == pytest.approx(1, abs=1e-5)
    expected = net(one_hot([TEXT[15:35]])).softmax(1)[0]
    assert torch.allclose(torch.tensor(rows[1].scores), expected, atol=1e-6)
    padded = net(one_hot(["N" * 8 + "ACG" + "N" * 9])).softmax(1)[0]
    assert torch.allclose(torch.tensor(rows[4].scores), padded, atol=1e-6)
    by_start = {row.start: row.scores for row in rows if row.contig == "back"}
    assert torch.allclose(torch.tensor(by_start[40]), torch.tensor(rows[0].scores), atol=1e-5)


def test_short_records_have_the_same_scores_on_both_strands(tmp_path) -> None:
    """Of an odd number of N the spare one lies where the other strand has it too."""
    path, letters = tmp_path / "x.fa", "GACGTTGCCAACGATTG"
    parts = [letters[:n] for n in range(1, 18)]
    path.write_text("".join(f">{x}\n{x}\n>back{x}\n{reverse_complement(x)}\n" for x in parts))
    rows = [torch.tensor(row.scores) for row in score_sequences(classifier(), path)]
    for here, there in zip(rows[::2], rows[1::2], strict=True):
        assert torch.allclose(here, there, atol=1e-6)


def test_places_of_a_long_record_are_not_listed(tmp_path) -> None:
    path = tmp_path / "x.fa"
    path.write_text(f">long\n{'ACGTTGCA' * 50_000}\n")
    tracemalloc.start()
    first = next(score_sequences(classifier(), path, step=1, batch_size=1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (first.start, first.stop) == (0, 20)
    assert peak < 6e6  # the record and its pieces; 400,000 places would be 12 MB more


def test_records_may_be_windows_of_their_own(fasta) -> None:
    rows = list(score_sequences(classifier(None), fasta))
    assert [(r.start, r.stop) for r in rows] == [(0, 60), (0, 3), (0, 20), (0, 60)]
    assert torch.allclose(torch.tensor(rows[0].scores), torch.tensor(rows[3].scores), atol=1e-5)


def test_other_networks_are_refused(fasta) -> None:
    space = eg.Strand(20)
    for net in (
        eg.derive(space.field("RC", "letters"), eg.Profile("regular"), "tiny"),
        eg.derive(eg.Grid(1).field("C1", 4), eg.Classify(2), "tiny"),
    ):
        with pytest.raises(DomainError, match="need a network for a whole strand"):
            next(score_sequences(net, fasta))
    with pytest.raises(DomainError, match="at least 1"):
        next(score_sequences(classifier(), fasta, step=0))


def test_the_command_writes_a_table(fasta, tmp_path, capsys) -> None:
    import gzip

    packed = tmp_path / "g.fa.gz"
    packed.write_bytes(gzip.compress(fasta.read_bytes()))
    rows = [Interval("a", s, s + 20, score=s % 2) for s in range(0, 40, 3)]
    data = from_bed(packed, rows, 20)
    eg.fit(eg.derive(data.field(), data.task, "tiny"), data, epochs=1, out=tmp_path / "run", progress=False)
    assert main(["predict", str(tmp_path / "run"), str(packed), "--step=10"]) == 0
    table = (tmp_path / "g-scores.tsv").read_text().splitlines()
    assert table[0] == "#contig\tstart\tend\tclass_0\tclass_1"
    assert len(table) == 1 + 5 + 1 + 1 + 5
    expected = list(score_sequences(Run.load(tmp_path / "run").model, packed, step=10))
    assert [float(v) for v in table[2].split("\t")[3:]] == pytest.approx(list(expected[1].scores), rel=1e-4)
    assert "12 windows" in capsys.readouterr().out
    table = tmp_path / "g-scores.tsv"
    kept = table.read_text()
    packed.write_bytes(gzip.compress(b">a\n" + TEXT.encode() * 20 + b"\n>b\nACGTRACGT\n"))
    assert main(["predict", str(tmp_path / "run"), str(packed)]) == 2
    assert "ambiguous='N'" in capsys.readouterr().err
    assert table.read_text() == kept
    assert main(["predict", str(tmp_path / "run"), str(packed), "--ambiguous=N"]) == 0
    assert table.read_text().splitlines()[-1].startswith("b\t0\t9\t")
    assert [p.name for p in tmp_path.glob(".*")] == []
