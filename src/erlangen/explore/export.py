"""A page without a server: every answer that it may ask for is computed beforehand and packed into the file."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from erlangen.errors import FieldError, UnknownName
from erlangen.explore.page import page
from erlangen.explore.scenes import available, scene
from erlangen.explore.session import Explorer
from erlangen.files import write_atomically

LARGEST = 2_000_000  # bytes of a page
CODE = 160  # the character of the value 0
COMPACT: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False}
LAYERS = 2  # of every network, beside the one that is shown first
SIDES = ((32, 8), (24, 8), (20, 8), (16, 4))  # (pixels a side, maps): smaller until the page is small enough


def bake(path: Path, domains: list[str] | None = None, train: float = 0.0) -> tuple[Path, int]:
    """Write a page that needs neither a server nor a network: one sample a domain, the derived network and one broken.

    Args:
        path: ends in .html.
        domains: names of scenes; all that are on this machine if None.
        train: seconds to train every network.

    Returns:
        The path, and the size of the page in bytes.

    Raises:
        UnknownName: there is no such domain.
        FieldError: another suffix, or the page would be larger than 2 MB.
    """
    if path.suffix not in (".html", ".htm"):
        raise FieldError(f"the page is HTML, not {path.suffix or 'nothing'!r}. Fix: --export {path.stem}.html")
    chosen = list(available()) if domains is None else domains
    for name in chosen:
        if name not in available():
            raise UnknownName("domain of the explorer", name, list(available()))
    if not chosen:
        raise FieldError("a page needs a domain. Fix: leave --domains out, or name one.")
    explorer = Explorer()
    answers: dict[str, Any] = {}
    for name in chosen:
        answers |= _of_domain(explorer, name, chosen, train)
    explorer.close()
    size = 0
    for side, count in SIDES:
        text = page(baked=_packed(answers, chosen[0], side, count), title="erlangen explore")
        size = len(text.encode())
        if size <= LARGEST:
            return write_atomically(path, text), size
    raise FieldError(f"the page would have {size / 1e6:.1f} MB. Fix: fewer --domains.")


def _of_domain(explorer: Explorer, name: str, domains: list[str], train: float) -> dict[str, Any]:
    """Answers for one domain: derived and plain, and two switches of the derived network."""
    found, group = scene(name), scene(name).groups[0]
    switches = (next(d for d in found.defects if d != "zeros"), "flatten")
    answers: dict[str, Any] = {}
    for architecture, broken in (("derived", ""), ("plain", ""), *(("derived", d) for d in switches)):
        words = {"domain": name, "group": group, "architecture": architecture, "sample": "0", "break": broken}
        words = {k: v for k, v in words.items() if v}
        if train and not broken:
            _train(explorer, words, train)
        model = explorer.model(words)
        model["motions"] = [m for m in model["motions"] if m["name"] in _motions(model)]
        answers[_key("model", words)] = model
        answers[_key("verdict", words)] = {k: v for k, v in explorer.verdict(words).items() if k != "errors"}
        for layer in _layers(model, architecture, broken):
            for motion in model["motions"]:
                at = {**words, "motion": motion["name"], "layer": str(layer)}
                answers[_key("curve", at)] = explorer.curve(at)
                for element in range(len(motion["labels"])):
                    here = {**at, "element": str(element)}
                    answers[_key("frame", here)] = explorer.frame(here)
    spec = explorer.spec({"domain": name})
    spec |= {
        "domains": {k: v for k, v in spec["domains"].items() if k in domains},
        "groups": [group],
        "architectures": {k: v for k, v in spec["architectures"].items() if k in ("derived", "plain")},
        "samples": spec["samples"][:1],
        "defects": {k: v for k, v in spec["defects"].items() if k in switches},
        "alone": True,  # one switch at a time, on the derived network
    }
    answers[_key("spec", {"domain": name})] = spec
    return answers


def _motions(model: dict[str, Any]) -> list[str]:
    return [m["name"] for m in model["motions"]][:1]


def _layers(model: dict[str, Any], architecture: str, broken: str) -> list[int]:
    """The layer that is shown first, and for the derived network the first of each kind that lives on the domain."""
    first = model["layer"]
    if broken or architecture != "derived":
        return [first]
    lively = [
        i for i, layer in enumerate(model["layers"]) if "onlinearity" in layer["kind"] or "Activation" in layer["kind"]
    ]
    return sorted({first, *lively[:LAYERS]})


def _train(explorer: Explorer, words: dict[str, str], seconds: float) -> None:
    from time import sleep

    explorer.train({**words, "seconds": str(seconds)})
    while explorer.progress(words)["running"]:
        sleep(0.05)


def _key(route: str, words: dict[str, str]) -> str:
    from urllib.parse import urlencode

    return f"{route}?{urlencode(sorted((k, v) for k, v in words.items() if v != ''))}"


def _packed(answers: dict[str, Any], first: str, side: int, count: int) -> dict[str, Any]:
    """Answers as compressed text, in which a figure that comes again is a number."""
    figures: dict[str, int] = {}
    small = {key: _smaller(value, side, count, figures) for key, value in answers.items()}
    text = json.dumps({"answers": small, "figures": [json.loads(f) for f in figures]}, **COMPACT)
    return {"words": {"domain": first}, "deflated": base64.b64encode(zlib.compress(text.encode(), 9)).decode()}


def _smaller(answer: dict[str, Any], side: int, count: int, figures: dict[str, int]) -> dict[str, Any]:
    """A frame with fewer and smaller maps, kept among the figures; other answers as they are."""
    if "raw" not in answer:
        return answer
    found = dict(answer)
    for name in ("input", "raw", "steady"):
        if found[name] is not None:
            text = json.dumps({"parts": [_small_part(part, side, count) for part in found[name]["parts"]]}, **COMPACT)
            found[name] = figures.setdefault(text, len(figures))
    return found


def _small_part(part: dict[str, Any], side: int, count: int) -> dict[str, Any]:
    """A part with its bytes as characters, which compress better than base64; every fourth level is kept."""
    if "data" not in part:
        return part
    x = np.frombuffer(base64.b64decode(part["data"]), np.int8).reshape(part["shape"])
    if part["kind"] in ("maps", "image"):
        x = x[:count] if part["kind"] == "maps" else x
        step = max(1, -(-x.shape[-1] // (side if part["kind"] == "maps" else 2 * side)))
        x = x[..., ::step, ::step]
    if part["kind"] in ("maps", "image", "rows", "arrows"):
        x = np.clip(4 * np.round(x / 4.0), -124, 127).astype(np.int8)
    if part["kind"] == "maps" and len(x) < part["shape"][0]:
        shown = len(x) // (part["columns"] if part["labels"] else 1)
        part = part | {"name": f"{shown} of {part['name'].partition(' of ')[2]}"}
    characters = "".join(chr(v + CODE) for v in x.flatten().tolist())
    return {k: v for k, v in part.items() if k != "data"} | {"shape": list(x.shape), "text": characters}
