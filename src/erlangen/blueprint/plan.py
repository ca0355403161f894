"""The printed table of a network: every layer with its field, shape, law, exactness, parameters and price."""

from dataclasses import asdict, dataclass
from typing import Any

from erlangen.blueprint.module import EquivariantModule


@dataclass(frozen=True)
class PlanRow:
    """One layer of a plan."""

    path: str
    layer: str
    field: str
    shape: tuple[int, ...]
    law: str
    exact: bool
    exact_when: str
    parameters: int
    multiplications: int


@dataclass(frozen=True)
class Plan:
    """What a network is, layer by layer, at one input size.

    Args:
        title: what was derived.
        shape: input size the plan is priced at.
        rows: one a layer.
    """

    title: str
    shape: tuple[int, ...]
    rows: tuple[PlanRow, ...]

    @property
    def parameters(self) -> int:
        """Free parameters of the whole network."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiplications(self) -> int:
        """Scalar multiplications of one forward pass for one input."""
        return sum(row.multiplications for row in self.rows)

    @property
    def exact(self) -> bool:
        """Whether every layer obeys its law exactly at this size."""
        return all(row.exact for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-able data."""
        return {
            "title": self.title,
            "shape": list(self.shape),
            "parameters": self.parameters,
            "multiplications": self.multiplications,
            "exact": self.exact,
            "rows": [asdict(row) | {"shape": list(row.shape)} for row in self.rows],
        }

    def __str__(self) -> str:
        header = ("layer", "field", "shape", "law", "exact when", "parameters", "multiplications")
        table = [header]
        for row in self.rows:
            size = "×".join(map(str, row.shape)) or "·"
            when = row.exact_when if row.exact else f"NOT EXACT: {row.exact_when}"
            table.append((row.layer, row.field, size, row.law, when, f"{row.parameters:,}", f"{row.multiplications:,}"))
        table.append(("total", "", "", "", "", f"{self.parameters:,}", f"{self.multiplications:,}"))
        widths = [max(len(line[i]) for line in table) for i in range(len(header))]
        lines = [self.title]
        for n, line in enumerate(table):
            cells = [c.rjust(w) if i > 4 else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
            lines.append("  ".join(cells).rstrip())
            if n in (0, len(table) - 2):
                lines.append("  ".join("─" * w for w in widths))
        return "\n".join(lines)


def plan_of(module: EquivariantModule, shape: tuple[int, ...] | None = None, title: str = "") -> Plan:
    """The plan of a module.

    Args:
        module: any equivariant module.
        shape: size of the input domain; None takes the space's nominal size.
        title: a heading.
    """
    at = tuple(shape) if shape is not None else module.in_field.space.nominal_shape()
    rows = []
    for path, leaf, where in module.trace_shapes(at):
        exact, when = leaf.exact_when(where)
        rows.append(
            PlanRow(
                path,
                type(leaf).__name__,
                repr(leaf.out_field.rep),
                leaf.out_shape(where),
                leaf.law,
                exact,
                when,
                sum(p.numel() for p in leaf.parameters()),
                leaf.multiplications(where),
            )
        )
    return Plan(title or f"{module.in_field} → {module.out_field}", at, tuple(rows))
