"""Strands of DNA and RNA: shifts and the reverse complement."""

from erlangen.grids.strand.group import RC, StrandGroup
from erlangen.grids.strand.letters import one_hot, partners, read_letters, reverse_complement
from erlangen.grids.strand.space import Strand

__all__ = ["RC", "Strand", "StrandGroup", "one_hot", "partners", "read_letters", "reverse_complement"]
