"""From a genome and a list of peaks to a network that reads both strands alike, and to the motifs it found.

    python examples/peaks.py                               # a small genome made here, with planted sites
    python examples/peaks.py --genome hg38.fa --bed peaks.bed --test chr8 --validation chr9   # your own

The fifth column of the BED file is the class: 1 for a peak, 0 for a stretch without one. Contigs are held out as a
whole, since neighbouring windows resemble each other. The letters stay on disk and are read batch by batch.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import erlangen as eg
from erlangen.report.logo import consensus

SITE = "CCACTAGGTGGCAG"


def made(folder: Path, width: int, contigs: int = 4, windows: int = 300) -> tuple[Path, Path]:
    """A genome of random letters with sites on either strand, and the BED file of the windows with and without one."""
    from erlangen.grids.strand import reverse_complement

    random, sequences, rows = np.random.default_rng(0), [], []
    for contig in range(contigs):
        letters = random.choice(list("ACGT"), width * windows)
        for i in range(windows):
            site = SITE if random.integers(2) else reverse_complement(SITE)
            start = i * width + int(random.integers(width - len(SITE)))
            if i % 2:
                letters[start : start + len(SITE)] = list(site)
            rows.append(f"chr{contig + 1}\t{i * width}\t{(i + 1) * width}\twindow\t{i % 2}\n")
        sequences.append(f">chr{contig + 1}\n{''.join(letters)}\n")
    folder.mkdir(parents=True, exist_ok=True)
    genome, bed = folder / "genome.fa", folder / "peaks.bed"
    genome.write_text("".join(sequences))
    bed.write_text("".join(rows))
    return genome, bed


def main() -> None:
    """Train, audit, print the clearest motifs."""
    parser = argparse.ArgumentParser(description="from peaks to motifs")
    parser.add_argument("--genome", type=Path)
    parser.add_argument("--bed", type=Path)
    parser.add_argument("--width", type=int, default=100, help="letters around the middle of a peak")
    parser.add_argument("--validation", nargs="+", default=["chr3"], help="contigs to choose by")
    parser.add_argument("--test", nargs="+", default=["chr4"], help="contigs to report")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("runs/peaks"))
    given = parser.parse_args()
    if given.genome is None:
        given.genome, given.bed = made(given.out / "data", given.width)

    data = eg.data.from_bed(given.genome, given.bed, given.width, validation=given.validation, test=given.test)
    torch.manual_seed(0)
    net = eg.derive(data.field(), data.task, size="tiny")  # letters of RC: the reverse complement is built in
    run = eg.fit(net, data, epochs=given.epochs)
    audit = eg.audit(run.model, data, samples=256)
    audit.save(given.out / "audit.html")

    print(f"{audit.verdict} under {audit.group}: worst error {audit.max_error:.0e}, flips {audit.flip_rate:.0%}")
    print(f"test accuracy {run.metrics['test_accuracy']:.1%}; report {given.out / 'audit.html'}; clearest motifs:")
    for motif in (audit.picture or {}).get("motifs", [])[:4]:
        print(f"  filters {motif['filter']}, {motif['partner']}  {consensus(motif['counts'])}  {motif['sites']} places")


if __name__ == "__main__":
    main()
