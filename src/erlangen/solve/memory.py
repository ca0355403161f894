"""Refuse what does not fit, before it is tried."""

import os

from erlangen.errors import TooLarge


def check_memory(needed: int, what: str, fix: str = "solve smaller representations, or component by component") -> None:
    """Raise a `TooLarge` that names the size if some bytes are more than the free memory of this machine.

    Args:
        needed: bytes.
        what: what they are for.
        fix: what to do instead.
    """
    free = available()
    if needed > free:
        raise TooLarge(
            f"{what} would need {needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB are free. Fix: {fix}."
        )


def available() -> int:
    """Free bytes of physical memory, as far as the system tells; 8 GiB where it does not."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 8 * 2**30
