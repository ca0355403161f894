"""erlangen: say what your data lives on and which symmetries it has; the network follows."""

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
from erlangen.grids import Grid
from erlangen.symmetry import C, D, Permutations, Translations, Z2, direct_product, group

__version__ = "0.1.0"

__all__ = [
    "C",
    "Classify",
    "D",
    "EquivariantModule",
    "Field",
    "Grid",
    "Network",
    "Permutations",
    "Predict",
    "Regress",
    "Segment",
    "Sequential",
    "Signal",
    "Translations",
    "Z2",
    "__version__",
    "derive",
    "direct_product",
    "group",
    "precision",
]
