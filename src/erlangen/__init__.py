"""erlangen: say what your data lives on and which symmetries it has; the network follows.

    import erlangen as eg

    plane = eg.Grid(2, (28, 28))                         # domain
    image = plane.field("C4", "1 trivial")               # signal: grey images; symmetry: turns by 90°
    net = eg.derive(image, task=eg.Classify(10))         # the blueprint, as an nn.Module
    run = eg.fit(net, eg.data.load("mnist-rot"), out="runs/rot")
    eg.audit(run.model, run.data.test).save("runs/rot/audit.html")

Layers, groups and spaces of one's own are made with the packages below.
"""

from erlangen import adapt, blueprint, data, graphs, grids, learn, report, solve, symmetry
from erlangen.audit import Audit, audit
from erlangen.blueprint import (
    Classify,
    EquivariantModule,
    Field,
    Network,
    Predict,
    Regress,
    Segment,
    Sequential,
    Signal,
    derive,
    precision,
)
from erlangen.graphs import Graph, Graphs
from erlangen.grids import Grid
from erlangen.learn import Run, fit
from erlangen.symmetry import Z2, C, D, Permutations, Translations, direct_product, group

__version__ = "0.1.0"

__all__ = [
    "Z2",
    "Audit",
    "C",
    "Classify",
    "D",
    "EquivariantModule",
    "Field",
    "Graph",
    "Graphs",
    "Grid",
    "Network",
    "Permutations",
    "Predict",
    "Regress",
    "Run",
    "Segment",
    "Sequential",
    "Signal",
    "Translations",
    "__version__",
    "adapt",
    "audit",
    "blueprint",
    "data",
    "derive",
    "direct_product",
    "fit",
    "graphs",
    "grids",
    "group",
    "learn",
    "precision",
    "report",
    "solve",
    "symmetry",
]
