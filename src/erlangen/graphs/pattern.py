"""Where a sparse matrix has entries: compressed rows, with the transpose computed once and kept."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

INT32_LIMIT = 2**31 - 1


class Pattern:
    """The entries of a sparse matrix A, row by row (CSR), without their values.

    Of a graph, rows are destinations and columns are sources: row v lists the neighbours u that v receives from.
    Indices are int32 wherever they fit, which halves the index traffic of every product.

    Args:
        ptr: [rows + 1] start of each row among the entries, then their number.
        col: [entries] column of each entry.
        columns: number of columns.
        symmetric: whether A and Aᵀ have the same entries; None finds out when first asked.

    Law: the entries of row v are `col[ptr[v]:ptr[v + 1]]`; multiple entries at one place are kept.
    """

    def __init__(
        self,
        ptr: Int[Tensor, " row_offsets"],
        col: Int[Tensor, " entries"],
        columns: int,
        symmetric: bool | None = None,
    ) -> None:
        self.ptr, self.col, self.columns = ptr, col, columns
        self._symmetric = symmetric if len(ptr) - 1 == columns else False
        self._row: Tensor | None = None
        self._share: Tensor | None = None
        self._mirror: tuple[Pattern, Tensor] | None = None

    @classmethod
    def from_coordinates(
        cls, row: Int[Tensor, " entries"], col: Int[Tensor, " entries"], rows: int, columns: int, symmetric: bool | None
    ) -> tuple["Pattern", Int[Tensor, " entries"]]:
        """Sort entries by row, then by column, keeping the given order among equals.

        Returns:
            The pattern, and the order: entry i of the pattern was entry `order[i]` of the input.
        """
        by_column = torch.sort(col, stable=True).indices
        by_row = torch.sort(row[by_column], stable=True)
        order = by_column[by_row.indices]
        kind = index_type(max(rows, columns, len(row)))
        ptr = torch.searchsorted(by_row.values.contiguous(), torch.arange(rows + 1, device=row.device, dtype=row.dtype))
        return cls(ptr.to(kind), col[order].to(kind), columns, symmetric), order

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.ptr) - 1

    @property
    def entries(self) -> int:
        """Number of stored entries."""
        return len(self.col)

    @property
    def degree(self) -> Int[Tensor, " rows"]:
        """Number of entries in each row."""
        return self.ptr[1:] - self.ptr[:-1]

    @property
    def row(self) -> Int[Tensor, " entries"]:
        """Row of each entry."""
        if self._row is not None:
            return self._row
        index = torch.arange(self.rows, dtype=self.col.dtype, device=self.col.device)
        row = torch.repeat_interleave(index, self.degree, output_size=self.entries)
        self._row = None if tracing() else row
        return row

    def share(self, dtype: torch.dtype) -> Tensor:
        """[entries] weights 1 / degree of the row, which turn a sum into a mean; kept for the last type asked for."""
        if self._share is not None and self._share.dtype == dtype:
            return self._share
        share = self.degree.clamp(min=1).to(torch.promote_types(dtype, torch.float32)).reciprocal().to(dtype)
        share = share[self.row.long()]
        self._share = None if tracing() else share
        return share

    def mirror(self) -> tuple["Pattern", Int[Tensor, " entries"]]:
        """The pattern of Aᵀ, and the order that values of A take in it: `values[order]`."""
        if self._mirror is not None:
            return self._mirror
        by_column = torch.sort(self.col, stable=True)
        places = torch.arange(self.columns + 1, dtype=self.col.dtype, device=self.col.device)
        ptr = torch.searchsorted(by_column.values, places).to(self.ptr.dtype)
        back = Pattern(ptr, self.row[by_column.indices], self.rows, self._symmetric)
        made = back, by_column.indices.to(self.col.dtype)
        self._mirror = None if tracing() else made
        return made

    @property
    def transpose(self) -> "Pattern":
        """The pattern of Aᵀ."""
        return self.mirror()[0]

    @property
    def known_symmetric(self) -> bool | None:
        """Whether A and Aᵀ have the same entries, or None if nobody asked yet."""
        return self._symmetric

    @property
    def is_symmetric(self) -> bool:
        """Whether A and Aᵀ have the same entries; found by comparing with the transpose, once.

        Rows in ascending order of columns are recognised; other orders count as symmetric only if declared so. When it
        holds, the transpose shares this pattern's memory.
        """
        if self._symmetric is None:
            if tracing():
                return False  # a comparison of values would break the graph; False is always safe
            other = self.transpose
            self._symmetric = torch.equal(other.ptr, self.ptr) and torch.equal(other.col, self.col)
            other._symmetric = self._symmetric
            if self._symmetric:
                other.ptr, other.col, other._row = self.ptr, self.col, self._row
        return self._symmetric

    def to(self, device: torch.device | str) -> "Pattern":
        """The same pattern on a device; itself if it is there already."""
        if self.ptr.device == torch.device(device):
            return self
        return Pattern(self.ptr.to(device), self.col.to(device), self.columns, self._symmetric)

    def __getstate__(self) -> dict[str, Any]:
        return {"ptr": self.ptr, "col": self.col, "columns": self.columns, "symmetric": self._symmetric}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Pattern.__init__(self, **state)

    def __repr__(self) -> str:
        return f"Pattern({self.rows} x {self.columns}, {self.entries} entries)"


def index_type(largest: int) -> torch.dtype:
    """int32 if every index up to `largest` fits, else int64."""
    return torch.int32 if largest < INT32_LIMIT else torch.int64


def tracing() -> bool:
    """Whether the compiler is reading this code: what it computes then must not be kept, it has no values."""
    return torch.compiler.is_compiling()
