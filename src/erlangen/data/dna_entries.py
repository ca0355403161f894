"""The entries of the catalogue that live on a strand of DNA."""

from functools import partial

from erlangen.data.dna import (
    FACTORS,
    GENOME_FILES,
    PROMOTER_FILES,
    SPLICE_FILES,
    fastsk,
    fastsk_files,
    genome,
    promoters,
    splice,
)
from erlangen.data.entry import Entry
from erlangen.data.motifs import motifs, profiles, stranded_motifs

_EITHER = "reverse complement (RC): a factor binds the double strand"
_STRANDED = "none: the strand decides, so the reverse complement is the WRONG symmetry here (a negative control)"
_UCI = "CC BY 4.0 (UCI repository, as remembered; the package that carries it says GPL-2)"
_DRAWN = "Apache-2.0 (part of this package)"


def _factor(name: str) -> Entry:
    return Entry(
        title=f"Does the factor {name} bind these 100 letters of human DNA?",
        domain="strand",
        splits="2,000 train (a tenth held out) / 2,000 test",
        build=partial(fastsk, name),
        symmetry=_EITHER,
        licence="Apache-2.0 (the repository that carries it)",
        origin="FastSK repository, made from ENCODE ChIP-seq",
        files=fastsk_files(name),
        fallback="motifs",
        note="soft masking gives the class away, so letters are read in upper case",
    )


def _genome(name: str, title: str, origin: str) -> Entry:
    return Entry(
        title=title,
        domain="strand",
        splits="windows: 80 % train / 10 % validation / 10 % test",
        build=partial(genome, name),
        symmetry="reverse complement (RC): the strand that was written down is a convention",
        licence="no restriction on the sequence (NCBI, as remembered); the package that carries it says GPL, Artistic",
        origin=origin,
        files=GENOME_FILES[name],
    )


DNA: dict[str, Entry] = {
    **{f"fastsk-{name.lower()}": _factor(name) for name in FACTORS},
    "promoters": Entry(
        title="106 stretches of E. coli: a promoter on this strand, or none",
        domain="strand",
        splits="10 folds of 10 or 11 test sequences",
        build=promoters,
        symmetry=_STRANDED,
        licence=_UCI,
        origin="UCI repository, Molecular Biology (Promoter Gene Sequences)",
        files=PROMOTER_FILES,
        fallback="stranded-motifs",
        note="106 sequences only: report all folds",
    ),
    "splice": Entry(
        title="exon→intron borders, intron→exon borders, or neither",
        domain="strand",
        splits="10 folds of 300 test sequences",
        build=splice,
        symmetry=_STRANDED,
        licence=_UCI,
        origin="UCI repository, Molecular Biology (Splice-junction Gene Sequences)",
        files=SPLICE_FILES,
        fallback="stranded-motifs",
        note="repeated sequences are taken once",
    ),
    "lambda-phage": _genome("lambda-phage", "the genome of the phage lambda: hidden letters", "NCBI NC_001416.1"),
    "ecoli": _genome("ecoli", "the genome of E. coli 536: hidden letters", "NCBI NC_008253.1"),
    "motifs": Entry(
        title="simulated: a motif on either strand, or its letters in disorder",
        domain="strand",
        splits="2,000 train / 200 validation / 2,000 test",
        build=motifs,
        symmetry=_EITHER,
        licence=_DRAWN,
        origin="drawn from a seed",
        simulated=True,
        note="no measurement: results do not compare with those on ChIP-seq",
    ),
    "stranded-motifs": Entry(
        title="simulated: a motif on this strand, or on the other",
        domain="strand",
        splits="2,000 train / 200 validation / 2,000 test",
        build=stranded_motifs,
        symmetry=_STRANDED,
        licence=_DRAWN,
        origin="drawn from a seed",
        simulated=True,
        note="no measurement: results do not compare with those on promoters or splice junctions",
    ),
    "profiles": Entry(
        title="simulated: counts on both strands around motifs, and a track without strand",
        domain="strand",
        splits="2,000 train / 200 validation / 1,000 test",
        build=profiles,
        symmetry="reverse complement (RC) with its own representation for every track: regular + trivial",
        licence=_DRAWN,
        origin="drawn from a seed",
        simulated=True,
        note="no measurement",
    ),
}
