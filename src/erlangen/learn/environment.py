"""Where a run happened: versions, machine, processor flags, source commit."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "scipy", "lightning", "torchmetrics", "safetensors", "jsonargparse")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "bf16", "sve")
"""Processor features that decide which precision is fast."""


def environment() -> dict[str, Any]:
    """Versions, machine, processor flags, threads and commit, as JSON-able data."""
    import torch

    from erlangen import __version__

    model, flags = processor()
    return {
        "erlangen": __version__,
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": model,
        "processor_flags": flags,
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "cuda": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "git_commit": git_commit(),
        "command": sys.argv,
    }


def processor() -> tuple[str, list[str]]:
    """Name of the processor and those of its `FLAGS` that the system reports."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine(), []
    entries = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        entries.setdefault(key.strip(), value.strip())
    present = set((entries.get("flags") or entries.get("Features") or "").split())
    return entries.get("model name", platform.machine()), [flag for flag in FLAGS if flag in present]


def git_commit() -> str | None:
    """The commit of the source tree erlangen is imported from, with "+changes" if it was edited; None if installed."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
