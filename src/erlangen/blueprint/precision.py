"""Which operator runs in which precision, by measurement on this machine.

On a CPU with AMX, dense convolutions gain a factor of 4 to 6 in bfloat16 and depthwise ones lose a factor of 3;
elsewhere it
may be otherwise. `precision("auto")` opens torch's autocast where the dense operators gain, and the layers ask
`operator_dtype` for the operators that do not.
"""

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import functional

from erlangen.errors import DataError, UnknownName
from erlangen.files import cache_folder, write_atomically

MODES = ("auto", "float32", "bfloat16")
GAIN = 1.15  # bfloat16 must be this much faster before it is used


@contextmanager
def precision(mode: str = "auto", device: str = "cpu") -> Iterator[None]:
    """Run what is inside with one precision per operator.

    Args:
        mode: "float32"; "bfloat16" for every operator that autocast lowers; "auto" for those that were measured faster.
        device: the device type, "cpu" or "cuda".

    Raises:
        UnknownName: no such mode.
    """
    if mode not in MODES:
        raise UnknownName("precision", mode, MODES)
    lower = mode == "bfloat16" or (mode == "auto" and operator_costs(device)["dense"]["bfloat16"])
    with torch.autocast(device, dtype=torch.bfloat16, enabled=bool(lower)):
        yield


def operator_dtype(operator: str, x: Tensor) -> torch.dtype:
    """The dtype in which a layer should run an operator on x: x's own outside autocast, the faster one inside.

    Args:
        operator: "dense" or "depthwise".
        x: its input.
    """
    device = x.device.type
    if not torch.is_autocast_enabled(device) or x.dtype not in (torch.float32, torch.bfloat16):
        return x.dtype
    if operator == "depthwise" and not _costs(device)["depthwise"]["bfloat16"]:
        return torch.float32
    return torch.get_autocast_dtype(device)


def operator_costs(device: str = "cpu") -> dict[str, dict[str, float | bool]]:
    """The measured cost table: milliseconds of a training step in float32 and bfloat16, and whether bfloat16 is used.

    It is measured once a machine and torch release and kept in the cache folder, so that runs stay reproducible.
    """
    return _costs(device)


@lru_cache
def _costs(device: str) -> dict[str, dict[str, float | bool]]:
    path = cache_folder() / f"precision-{platform.node()}-{device}-{torch.__version__}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        table = _measure(device)
    with suppress(DataError):  # a read-only home: measured again next time
        write_atomically(path, json.dumps(table))
    return table


def _measure(device: str) -> dict[str, dict[str, float | bool]]:
    table = {}
    for name, groups in (("dense", 1), ("depthwise", 64)):
        x = torch.randn(16, 64, 28, 28, device=device).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(64, 64 // groups, 5, 5, device=device)

        def step(
            dtype: torch.dtype, x: Tensor = x, weight: Tensor = weight, groups: int = groups
        ) -> Callable[[], None]:
            a, w = x.to(dtype).requires_grad_(), weight.to(dtype).requires_grad_()

            def run() -> None:
                y = functional.conv2d(a, w, padding=2, groups=groups)
                torch.autograd.grad(y, (a, w), torch.ones_like(y))

            return run

        full, half = _milliseconds(step(torch.float32)), _milliseconds(step(torch.bfloat16))
        table[name] = {"float32_ms": full, "bfloat16_ms": half, "bfloat16": half * GAIN < full}
    return table


def _milliseconds(run: Callable[[], None], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats + 2):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return round(1e3 * sorted(times[2:])[repeats // 2], 3)
