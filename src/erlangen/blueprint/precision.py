"""Which operator runs in which precision and form, by measurement on this machine.

On a CPU with AMX, dense convolutions gain a factor of 4 to 6 in bfloat16; elsewhere it may be otherwise.
`precision("auto")` opens torch's autocast where the dense operators gain, and the layers ask `operator_dtype` for the
operators that may not, and `rates` for what products of matrices and passes over memory cost.
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

from erlangen.blueprint.depthwise import depthwise_conv
from erlangen.errors import DataError, UnknownName
from erlangen.files import cache_folder, write_atomically

MODES = ("auto", "float32", "bfloat16")
GAIN = 1.15  # bfloat16 must be this much faster before it is used
OPERATORS = {"dense", "depthwise", "product", "memory", "basis", "frequencies"}
DENSE = 3 * 16 * 28**2 * 64**2 * 5**2  # multiplications of the training step that "dense" takes the time of


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
        operator: "dense"; "depthwise", as `depthwise_conv` computes it; or "filter", a fixed filter for every channel
            with strides or dilations, whose gradient torch computes 20 times slower in bfloat16 on a CPU.
        x: its input.
    """
    device = x.device.type
    if operator == "filter" and device == "cpu":
        return torch.float32 if x.dtype in (torch.bfloat16, torch.float16) else x.dtype
    if not torch.is_autocast_enabled(device) or x.dtype not in (torch.float32, torch.bfloat16):
        return x.dtype
    if operator == "depthwise" and not _costs(device)["depthwise"]["bfloat16"]:
        return torch.float32
    return torch.get_autocast_dtype(device)


def operator_costs(device: str = "cpu") -> dict[str, dict[str, float | bool]]:
    """The measured cost table.

    "dense" and "depthwise" are milliseconds of a training step in float32 and bfloat16, and whether bfloat16 is used;
    "product" is billions of multiplications a second of a large product of matrices, "memory" billions of numbers that
    a pass over memory reads and writes, "basis" billions of numbers that a change of basis by eights takes in,
    "frequencies" billions of multiplications in float32 of many products of small matrices, one a frequency.

    It is measured once a machine and torch release and kept in the cache folder, so that runs stay reproducible.
    """
    return _costs(device)


@lru_cache
def _costs(device: str) -> dict[str, dict[str, float | bool]]:
    path = cache_folder() / f"precision-{platform.node()}-{device}-{torch.__version__}.json"
    try:
        table = json.loads(path.read_text())
        if set(table) == OPERATORS:
            return table
    except (OSError, ValueError):
        pass
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device, enabled=False):  # whoever asks first
        table = _measure(device)
    with suppress(DataError):  # a read-only home: measured again next time
        write_atomically(path, json.dumps(table))
    return table


def rates(dtype: torch.dtype, device: str = "cpu") -> dict[str, float]:
    """What the table says is done a second in a dtype (float64 counts as float32), in billions, by operator.

    "convolution" is the training step of "dense" in multiplications a second.
    """
    name, table = "bfloat16" if dtype == torch.bfloat16 else "float32", _costs(device)
    found = {
        operator: float(cost[name]) for operator, cost in table.items() if name in cost and "float32_ms" not in cost
    }
    return found | {"convolution": 1e-6 * DENSE / float(table["dense"][f"{name}_ms"])}


def seconds(at: dict[str, float], **work: float) -> float:
    """What some work should take.

    Args:
        at: rates, as `rates` has them.
        work: amounts by operator: `product` of matrices in multiplications, `memory` in numbers, and so on.
    """
    return 1e-9 * sum(amount / at[operator] for operator, amount in work.items())


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
                y = functional.conv2d(a, w, padding=2) if groups == 1 else depthwise_conv(a, w, (2, 2))
                torch.autograd.grad(y, (a, w), torch.ones_like(y))

            return run

        full, half = _milliseconds(step(torch.float32)), _milliseconds(step(torch.bfloat16))
        table[name] = {"float32_ms": full, "bfloat16_ms": half, "bfloat16": half * GAIN < full}
    return table | _rates(device)


def _rates(device: str, rows: int = 4096, width: int = 512) -> dict[str, dict[str, float | bool]]:
    """What is done a second, in billions, as `operator_costs` says."""
    found: dict[str, dict[str, float | bool]] = {}
    spectra, weights = torch.randn(256, 64, 96, device=device), torch.randn(256, 96, 96, device=device)
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        x = torch.randn(rows, width, device=device).to(dtype)
        square, basis = (torch.randn(n, n, device=device).to(dtype) for n in (width, 8))
        operators: dict[str, tuple[int, Callable[[], Tensor]]] = {
            "product": (rows * width * width, lambda x=x, square=square: x @ square),
            "memory": (2 * rows * width, lambda x=x: x.clone()),
            "basis": (rows * width, lambda x=x, basis=basis: basis @ x.view(-1, 8).mT),
            "frequencies": (spectra.numel() * 96, lambda: spectra @ weights),  # in float32 always
        }
        for operator, (amount, run) in operators.items():
            found.setdefault(operator, {})[name] = round(1e-6 * amount / max(_milliseconds(run), 1e-3), 3)
    return found


def _milliseconds(run: Callable[[], object], repeats: int = 5, budget: float = 0.5) -> float:
    """The median after two warm-up runs; of what ran so far, once the seconds of the budget are over."""
    times = []
    for _ in range(repeats + 2):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
        if sum(times) > budget:  # bfloat16 without instructions for it takes seconds, and a rough figure is enough
            break
    kept = sorted(times[2:] or times[-1:])
    return round(1e3 * kept[len(kept) // 2], 3)
