"""The command line: the same verbs as the library."""

from erlangen.cli.command import main

__all__ = ["main"]
