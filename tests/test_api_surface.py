"""The public names of erlangen and their signatures, locked: a change of the interface must be meant.

After a change that is meant: `python tests/test_api_surface.py --update`.
"""

import inspect
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

RECORD = Path(__file__).with_name("api_surface.json")
PACKAGES = (
    "erlangen",
    "erlangen.adapt",
    "erlangen.audit",
    "erlangen.blueprint",
    "erlangen.data",
    "erlangen.errors",
    "erlangen.graphs",
    "erlangen.grids",
    "erlangen.learn",
    "erlangen.point",
    "erlangen.report",
    "erlangen.solve",
    "erlangen.symmetry",
    "erlangen.testing",
)


def signature(function: Any) -> str:
    """Parameters and defaults, without annotations, which print differently from one Python to the next."""
    parameters = []
    for p in inspect.signature(function).parameters.values():
        default = p.default
        if default is not p.empty and " at 0x" in repr(default):
            default = type(default).__name__
        parameters.append(p.replace(annotation=p.empty, default=default))
    return str(inspect.Signature(parameters))


def members(cls: type) -> dict[str, str]:
    """Public methods and properties that the library itself defines."""
    found = {}
    for base in reversed(cls.__mro__):
        if not base.__module__.startswith("erlangen"):
            continue
        for name, value in vars(base).items():
            if name.startswith("_"):
                continue
            if isinstance(value, (classmethod, staticmethod)):
                found[name] = f"{type(value).__name__} {signature(value.__func__)}"
            elif inspect.isfunction(value):
                found[name] = signature(value)
            elif hasattr(value, "__get__") and not inspect.isclass(value):
                found[name] = "property"
    return found


def surface() -> dict[str, str]:
    """name -> signature of everything public, each under the place where it is imported from."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        module = import_module(package)
        names = getattr(module, "__all__", None) or [
            name for name, value in vars(module).items() if inspect.isclass(value) and value.__module__ == package
        ]
        for name in names:
            value, path = getattr(module, name), f"{package}.{name}"
            if inspect.isclass(value):
                builds = next(base for base in value.__mro__ if {"__init__", "__new__"} & set(vars(base)))
                found[path] = f"class {signature(value)}" if builds.__module__.startswith("erlangen") else "class"
                if package != "erlangen":
                    found.update({f"{path}.{k}": v for k, v in members(value).items()})
            elif inspect.ismodule(value):
                found[path] = "module"
            elif inspect.isroutine(value):
                found[path] = signature(value)
            else:
                found[path] = type(value).__name__
    return dict(sorted(found.items()))


def difference(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """One line a change."""
    lines = [f"- {name}{_shown(old[name])}" for name in old if name not in new]
    lines += [f"+ {name}{_shown(new[name])}" for name in new if name not in old]
    lines += [
        f"~ {name}{_shown(old[name])}  →  {_shown(new[name])}" for name in old if name in new and old[name] != new[name]
    ]
    return sorted(lines, key=lambda line: line[2:])


def _shown(text: str) -> str:
    return text if text.startswith("(") else f" [{text}]"


def test_the_public_interface_is_as_recorded() -> None:
    changes = difference(json.loads(RECORD.read_text()), surface())
    if changes:
        pytest.fail(
            "the public interface changed:\n  "
            + "\n  ".join(changes)
            + "\nIf that is meant, say so in CHANGELOG.md and run: python tests/test_api_surface.py --update",
            pytrace=False,
        )


def test_changes_are_seen_and_readable() -> None:
    old = {"a.f": "(x)", "a.g": "(x)", "a.C": "class (n)"}
    new = {"a.f": "(x, y=1)", "a.h": "(x)", "a.C": "class (n)"}
    assert difference(old, new) == ["~ a.f(x)  →  (x, y=1)", "- a.g(x)", "+ a.h(x)"]
    assert difference(old, old) == []
    found = surface()
    assert found["erlangen.derive"].startswith("(field, task, size='small', *, width=1.0")
    assert found["erlangen.grids.Conv.kernel"].startswith("(self")
    assert found["erlangen.blueprint.Sequential.out_shape"] == "(self, shape)"
    assert len(found) == len(set(found)) > 200


if __name__ == "__main__":
    if "--update" in sys.argv:
        before = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        RECORD.write_text(json.dumps(surface(), indent=1, ensure_ascii=False) + "\n")
        print("\n".join(difference(before, surface())) or "no change")
    else:
        print("\n".join(f"{name}{_shown(text)}" for name, text in surface().items()))
