"""The page: one file of HTML with its style and its script inside, with or without baked answers."""

import json
from html import escape
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("web")


def page(nonce: str = "", baked: dict[str, Any] | None = None, title: str = "erlangen explore") -> str:
    """The page as text.

    Args:
        nonce: of the content security policy; "" for a file.
        baked: answers that the page shows instead of asking, for a file without a server.
        title: of the window.
    """
    text = (FOLDER / "page.html").read_text("utf-8")
    script = "\n".join((FOLDER / name).read_text("utf-8") for name in ("draw.js", "page.js"))
    data = "null" if baked is None else json.dumps(baked, separators=(",", ":"), ensure_ascii=False)
    parts = {
        "TITLE": escape(title),
        "NONCE": f' nonce="{escape(nonce)}"' if nonce else "",
        "STYLE": (FOLDER / "style.css").read_text("utf-8"),
        "DATA": data.replace("<", "\\u003c"),
        "SCRIPT": script,
    }
    for name, value in parts.items():
        text = text.replace("{{" + name + "}}", value)
    return text
