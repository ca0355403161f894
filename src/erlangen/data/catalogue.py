"""The verbs of the catalogue: list the data sets, describe one, make sure it is here, load it."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from erlangen.data.dataset import Dataset
from erlangen.data.entries import CATALOGUE
from erlangen.data.entry import Entry
from erlangen.data.own import OWN
from erlangen.data.rotated import made_path
from erlangen.data.store import Unreachable, fetch, find, registry
from erlangen.errors import DataError, UnknownName


class FallbackWarning(UserWarning):
    """The data set that was asked for is out of reach and another one was served in its place."""


def _entry(name: str) -> Entry:
    if name not in CATALOGUE:
        raise UnknownName("data set", name, (*CATALOGUE, *OWN))
    return CATALOGUE[name]


def list_datasets() -> list[str]:
    """The names that `load` knows."""
    return list(CATALOGUE)


def info(name: str) -> dict[str, Any]:
    """What the catalogue knows about a data set, without loading it.

    Returns:
        JSON-able: name, title, domain, splits, options (with defaults), symmetry, licence, origin, note, fallback,
        megabytes, and where: the place that has it now, or None.

    Raises:
        UnknownName: no such set; the message names the nearest.
    """
    entry = _entry(name)
    return {
        "name": name,
        "title": entry.title,
        "domain": entry.domain,
        "splits": entry.splits,
        "options": {key: p.default for key, p in inspect.signature(entry.build).parameters.items()},
        "symmetry": entry.symmetry,
        "licence": entry.licence,
        "origin": entry.origin,
        "note": entry.note,
        "fallback": entry.fallback,
        "megabytes": round(sum(registry()[path][1] for path in entry.files) / 1e6, 2),
        "where": _where(name, entry),
    }


def _where(name: str, entry: Entry) -> str | None:
    try:
        if entry.made and made_path(name, 0).exists():
            return str(made_path(name, 0))
        if entry.shipped is not None:
            return str(entry.shipped())
        if entry.simulated:
            return "simulated when it is loaded"
        found = [find(path) for path in entry.files]
    except Unreachable:
        return None
    except DataError as error:
        return f"damaged or unreadable: {error}"
    first = found[0]
    return str(first.path.parent) if first and all(found) else None


def get(name: str) -> Path:
    """Make sure that a data set is on this machine, downloading or making what is missing.

    Returns:
        The folder of its files; for sets that are made once (rotated digits) and sets in a package, the file.

    Raises:
        UnknownName: no such set.
        DataError: it is out of reach, damaged or unreadable, or simulated. No fallback here.
    """
    entry = _entry(name)
    if entry.made:
        entry.build()
        return made_path(name, 0)
    if entry.shipped is not None:
        return entry.shipped()
    if entry.simulated:
        raise DataError(f"{name} is simulated from a seed and has no file. Fix: load({name!r}).")
    files = [fetch(path) for path in entry.files]
    return files[0].path.parent


def load(name: str, *, fallback: bool = True, **options: Any) -> Dataset:
    """A data set, ready to train on.

    Args:
        name: a name of `list_datasets()`; or "scans", "bed" or "arrays" for files of one's own, as in
            `erlangen.data.own`.
        fallback: whether another set may stand in if this one is out of reach; a warning and the provenance say so.
        **options: the options of this set (`info(name)["options"]`), such as `fold=3` or `validation=2000`.

    Raises:
        UnknownName: no such set or no such option; the message names the nearest.
        DataError: it is out of reach and nothing stands in (the message lists where it was looked for), damaged (file,
            expected and found hash, remedy), or unreadable.
    """
    if name in OWN:
        _check_options(name, OWN[name], options)
        return _own(name, options)
    entry = _entry(name)
    _check_options(name, entry.build, options)
    try:
        return _with_provenance(entry.build(**options), name, name, options, "")
    except Unreachable as error:
        if not fallback or entry.fallback is None:
            raise
        try:
            stand_in = CATALOGUE[entry.fallback].build(**_scaled(entry.fallback, options))
        except Unreachable as second:
            raise Unreachable(f"{error} Its fallback {entry.fallback} is out of reach too: {second}") from second
        warnings.warn(f"{name} is out of reach, {entry.fallback} stands in. {error}", FallbackWarning, stacklevel=2)
        return _with_provenance(stand_in, entry.fallback, name, options, str(error))


def _own(name: str, options: dict[str, Any]) -> Dataset:
    data = OWN[name](**options)
    kept = {k: str(Path(v).resolve()) if isinstance(v, str) and Path(v).exists() else v for k, v in options.items()}
    options = kept | data.provenance.get("options", {})
    return replace(data, provenance={**data.provenance, "asked": name, "options": options})


def _check_options(name: str, build: Callable[..., Dataset], options: dict[str, Any]) -> None:
    known = inspect.signature(build).parameters
    for option in options:
        if option not in known:
            raise UnknownName(f"option of {name}", option, known)
    missing = [word for word, p in known.items() if p.default is p.empty and word not in options]
    if missing:
        shown = " ".join(f"--data_options.{word}=…" for word in missing)
        raise DataError(f"{name} needs {', '.join(missing)}. Fix: load({name!r}, {missing[0]}=…), or {shown}.")


def _scaled(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that the stand-in has too; held-out counts shrink with the training part."""
    known = inspect.signature(CATALOGUE[name].build).parameters
    options = {option: value for option, value in options.items() if option in known}
    shrink = {"mnist-rot-5k": 2000 / 12000, "mnist-5k": 4000 / 60000}
    if name in shrink and options.get("validation"):
        return {**options, "validation": max(1, round(options["validation"] * shrink[name]))}
    return options


def _with_provenance(data: Dataset, name: str, asked: str, options: dict[str, Any], reason: str) -> Dataset:
    entry, files = CATALOGUE[name], data.provenance.get("files", [])
    provenance = {
        "name": name,
        "asked": asked,
        "options": options,
        "source": files[0].source if files else "simulated",
        "seed": None,
        "fallback": name != asked,
        "reason": reason,
        "note": entry.note,
        "licence": entry.licence,
        "origin": entry.origin,
        **data.provenance,
        "files": [{"path": str(f.path), "sha256": f.sha256} for f in files],
    }
    if files:
        provenance.setdefault("sha256", files[0].sha256)
    return replace(data, provenance=provenance)
