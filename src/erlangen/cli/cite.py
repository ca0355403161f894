"""`erlangen cite`: BibTeX for the methods that a network uses."""


def cite(what: str | None = None) -> int:
    """Print BibTeX of erlangen and of exactly the methods that something uses.

    Args:
        what: a run folder; file.py:name of a network; or the name of a layer or function such as GraphConvolution.
    """
    from pathlib import Path

    from erlangen.cite import cite as bibtex
    from erlangen.errors import RunError

    if what is None:
        print(bibtex())
        return 0
    file, colon, name = what.rpartition(":")
    if colon and file.endswith(".py"):
        from erlangen.cli.audit import load_module

        print(bibtex(load_module(Path(file), name)))
    elif Path(what).is_dir():
        from erlangen.learn import Run

        print(bibtex(Run.load(what).model))
    elif "/" in what:
        raise RunError(f"there is no run folder {what}")
    else:
        print(bibtex(what))
    return 0
