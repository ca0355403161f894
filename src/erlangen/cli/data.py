"""`erlangen data list | info | get`: the catalogue."""


def list_() -> int:
    """List the data sets of the catalogue."""
    from erlangen.data import info, list_datasets

    rows = []
    for name in list_datasets():
        about = info(name)
        here = "here" if about["where"] else "to download" if about["megabytes"] else "package missing"
        rows.append((name, about["domain"], about["splits"], here, about["title"]))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]]))
    return 0


def info(name: str) -> int:
    """Say what the catalogue knows about a data set.

    Args:
        name: the data set.
    """
    from erlangen.data import info as about

    for key, value in about(name).items():
        if isinstance(value, dict):
            value = ", ".join(f"{k}={v!r}" for k, v in value.items()) or "none"
        print(f"{key:10} {value if value not in (None, '') else '-'}")
    return 0


def get(name: str) -> int:
    """Fetch a data set, check its hashes and say where it lies.

    Args:
        name: the data set.
    """
    from erlangen.data import get as fetch

    print(fetch(name))
    return 0
