"""`erlangen explore`: turn the dial, and watch what a network makes of it."""

from erlangen.explore.session import Explorer

__all__ = ["Explorer"]
