"""erlangen: say what your data lives on and which symmetries it has; the network follows."""

__version__ = "0.1.0"
