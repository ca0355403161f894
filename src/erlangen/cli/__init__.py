"""The command line: the same verbs as the library."""

from erlangen.cli.main import main

__all__ = ["main"]
