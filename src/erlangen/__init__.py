"""erlangen: say what your data lives on and which symmetries it has; the network follows.

    import erlangen as eg

    plane = eg.Grid(2, (28, 28))                         # domain
    image = plane.field("C4", "1 trivial")               # signal: grey images; symmetry: turns by 90°
    net = eg.derive(image, task=eg.Classify(10))         # the blueprint, as an nn.Module
    run = eg.fit(net, eg.data.load("mnist-rot"), out="runs/rot")
    eg.audit(run.model, run.data.test).save("runs/rot/audit.html")

Names are imported when they are first used, so that the command line can answer before torch is loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from erlangen import (
        adapt,
        audit,
        blueprint,
        cite,
        data,
        graphs,
        grids,
        learn,
        point,
        report,
        solve,
        symmetry,
        testing,
    )
    from erlangen.adapt import symmetrize
    from erlangen.audit import Audit, Discovery, discover
    from erlangen.blueprint import (
        Classify,
        Count,
        EquivariantModule,
        Field,
        Network,
        Predict,
        Profile,
        Regress,
        Segment,
        Sequential,
        Signal,
        derive,
        precision,
    )
    from erlangen.graphs import Graph, Graphs
    from erlangen.grids import Grid, HexGrid, Strand
    from erlangen.learn import Comparison, Run, compare, fit
    from erlangen.point import EquivariantLinear, EquivariantMLP, Point
    from erlangen.solve import Certificate, invariants, solve_bilinear, solve_kernel
    from erlangen.symmetry import (
        GL,
        SE,
        SL,
        SO,
        SU,
        Z2,
        A,
        C,
        D,
        E,
        Group,
        I,
        Ih,
        O,
        Oh,
        Permutations,
        Q,
        Representation,
        S,
        Scaling,
        Sp,
        T,
        Translations,
        U,
        direct_product,
        group,
        semidirect_product,
        wreath_product,
    )

__version__ = "0.1.0"

_ROOMS = (
    "adapt",
    "audit",  # a module that can be called: eg.audit(model, data)
    "blueprint",
    "cite",  # a module that can be called: eg.cite(network)
    "data",
    "errors",
    "graphs",
    "grids",
    "learn",
    "point",
    "report",
    "solve",  # a module that can be called: eg.solve(rho_in, rho_out)
    "symmetry",
    "testing",
)
_HOMES = {
    "adapt": ("symmetrize",),
    "audit": ("Audit", "Discovery", "discover"),
    "blueprint": (
        "Classify",
        "Count",
        "EquivariantModule",
        "Field",
        "Network",
        "Predict",
        "Profile",
        "Regress",
        "Segment",
        "Sequential",
        "Signal",
        "derive",
        "precision",
    ),
    "graphs": ("Graph", "Graphs"),
    "grids": ("Grid", "HexGrid", "Strand"),
    "learn": ("Comparison", "Run", "compare", "fit"),
    "point": ("EquivariantLinear", "EquivariantMLP", "Point"),
    "solve": ("Certificate", "invariants", "solve_bilinear", "solve_kernel"),
    "symmetry": (
        "A",
        "C",
        "D",
        "E",
        "GL",
        "Group",
        "I",
        "Ih",
        "O",
        "Oh",
        "Permutations",
        "Q",
        "Representation",
        "S",
        "SE",
        "SL",
        "SO",
        "SU",
        "Scaling",
        "Sp",
        "T",
        "Translations",
        "U",
        "Z2",
        "direct_product",
        "group",
        "semidirect_product",
        "wreath_product",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "GL",
    "SE",
    "SL",
    "SO",
    "SU",
    "Z2",
    "A",
    "Audit",
    "C",
    "Certificate",
    "Classify",
    "Comparison",
    "Count",
    "D",
    "Discovery",
    "E",
    "EquivariantLinear",
    "EquivariantMLP",
    "EquivariantModule",
    "Field",
    "Graph",
    "Graphs",
    "Grid",
    "Group",
    "HexGrid",
    "I",
    "Ih",
    "Network",
    "O",
    "Oh",
    "Permutations",
    "Point",
    "Predict",
    "Profile",
    "Q",
    "Regress",
    "Representation",
    "Run",
    "S",
    "Scaling",
    "Segment",
    "Sequential",
    "Signal",
    "Sp",
    "Strand",
    "T",
    "Translations",
    "U",
    "__version__",
    "adapt",
    "audit",
    "blueprint",
    "cite",
    "compare",
    "data",
    "derive",
    "direct_product",
    "discover",
    "fit",
    "graphs",
    "grids",
    "group",
    "invariants",
    "learn",
    "point",
    "precision",
    "report",
    "semidirect_product",
    "solve",
    "solve_bilinear",
    "solve_kernel",
    "symmetrize",
    "symmetry",
    "testing",
    "wreath_product",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name in _ROOMS:
        return import_module(f"erlangen.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'erlangen' has no attribute {name!r}")
    value = getattr(import_module(f"erlangen.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Every public name, imported or not."""
    return sorted({*__all__, "errors"})
