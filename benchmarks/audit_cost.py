"""What does an audit cost? A ResNet-18 on 64 photographs-sized images under 32 elements, and one Lie derivative.

The first table is `erlangen.audit` as it is called, with its layers and the continuous part, its parts one by one, and
the peak of memory. The second is one Lie derivative along the rotation, relative to a plain forward pass: by
differences (the default), forward derivatives, and double backward, and, as the peer, the derivative as lie-deriv
computes it (Gruver et al. 2023, arXiv 2210.02984): double backward of the whole chain rotation → network through a
bilinear sampler written out in torch operations.

    python benchmarks/audit_cost.py
    python benchmarks/audit_cost.py --smoke

Measured with `--threads 1 --repeats 1`, the last part of the first table in a process of its own (`--parts`), while
other work took half of both cores, so that seconds of CPU are what counts:

    ResNet, 11.7 M parameters, 64 images of 224², 1 threads
    part                                   CPU s   peak GB
    end to end                              87.5      0.98   32 elements
    and layers                             101.3      1.45   32 elements
    and the continuous part                147.0      1.84   32 elements

    one Lie derivative, rotation         seconds  forwards   (8 images)
    a forward pass                         0.591       1.0
    differences                            1.253       2.1
    extrapolated                           2.130       3.6
    forward                                2.128       3.6
    double backward                        2.934       5.0
    lie-deriv: double backward, bilinear   3.386       5.7

The whole audit again with `--threads 2 --repeats 1 --parts "and the continuous part"` on two cores of an EPYC without
AVX-512 while tests took part of both, after fitted actions and stability curves had come in: 296 s, 429 s of CPU,
2.01 GB (8 instead of 4 samples in the layer audit, on quiet cores: 243 s, 465 s of CPU, 2.40 GB).
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import erlangen as eg
from erlangen.audit.flow import flows_of
from erlangen.audit.lie import lie_derivative

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "audit"))
from ordinary import ResNet

PARTS: dict[str, dict[str, bool]] = {
    "end to end": {"layers": False, "continuous": False},
    "and layers": {"continuous": False},
    "and the continuous part": {},
}


def bilinear_rotation(x: Tensor, t: Tensor) -> Tensor:
    """Images turned by t radians about their centre, bilinear, differentiable twice in t."""
    h, w = x.shape[2:]
    u = torch.linspace(-1, 1, h, dtype=x.dtype)[:, None].expand(h, w)
    v = torch.linspace(-1, 1, w, dtype=x.dtype).expand(h, w)
    c, s = t.cos(), t.sin()
    row, column = (c * u - s * v + 1) / 2 * (h - 1), (s * u + c * v + 1) / 2 * (w - 1)
    top, left = row.detach().floor().clamp(0, h - 2), column.detach().floor().clamp(0, w - 2)
    a, b = row - top, column - left
    flat, place = x.flatten(2), (top * w + left).long().flatten()
    total = torch.zeros_like(x)
    for step, weight in ((0, (1 - a) * (1 - b)), (1, (1 - a) * b), (w, a * (1 - b)), (w + 1, a * b)):
        total = total + flat[:, :, place + step].reshape(x.shape) * weight
    return total * ((row >= 0) & (row <= h - 1) & (column >= 0) & (column <= w - 1))


def peer_derivative(model: nn.Module, x: Tensor) -> Tensor:
    """d/dt f(rotation_t x) at t = 0 by double backward of the whole chain."""
    with torch.enable_grad():
        t = torch.zeros((), dtype=x.dtype, requires_grad=True)
        y = model(bilinear_rotation(x, t))
        dummy = torch.zeros_like(y, requires_grad=True)
        (first,) = torch.autograd.grad(y, t, dummy, create_graph=True)
        (found,) = torch.autograd.grad(first, dummy)
    return found


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The median of several runs, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return sorted(taken)[len(taken) // 2]


def peak() -> float:
    """The most memory this process ever held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Measure, print both tables."""
    parser = argparse.ArgumentParser(description="cost of an audit")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--smoke", action="store_true", help="a tiny network and image: that it runs, not what it says")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    widths = (64, 128, 256, 512)
    if given.smoke:
        given.side, given.samples, given.classes, given.repeats, widths = 32, 4, 5, 1, (4, 8)
    torch.manual_seed(0)
    model = ResNet(given.classes, widths, large=True).eval()
    coarse = torch.rand(given.samples, 3, given.side // 8, given.side // 8)
    x = nn.functional.interpolate(coarse, (given.side,) * 2, mode="bicubic")
    field = eg.Grid(2).field("C4", 3)
    count = sum(p.numel() for p in model.parameters())
    print(f"ResNet, {count / 1e6:.1f} M parameters, {given.samples} images of {given.side}², {given.threads} threads")

    before = peak()
    print(f"{'part':34s} {'seconds':>9s} {'CPU s':>9s} {'peak GB':>9s}   (before: {before:.2f} GB)")
    for name in given.parts:
        options = PARTS[name]
        start, used = time.perf_counter(), time.process_time()
        found = eg.audit(model, x, in_field=field, elements=3, samples=given.samples, **options)
        taken = time.perf_counter() - start, time.process_time() - used
        print(f"{name:34s} {taken[0]:9.1f} {taken[1]:9.1f} {peak():9.2f}   {len(found.actions)} elements", flush=True)

    part = x[: min(8, len(x))]
    flow = next(f for f in flows_of(field, part) if f.name == "rotation")
    with torch.no_grad():
        plain = seconds(lambda: model(part), given.repeats)
        output = model(part)
    print(f"\n{'one Lie derivative, rotation':34s} {'seconds':>9s} {'forwards':>9s}   ({len(part)} images)")
    print(f"{'a forward pass':34s} {plain:9.3f} {1:9.1f}")
    arms = {
        method: lambda m=method: lie_derivative(model, part, flow, (None, None), m, output)
        for method in ("differences", "extrapolated", "forward", "double backward")
    }
    arms["lie-deriv: double backward, bilinear"] = lambda: peer_derivative(model, part)
    with torch.no_grad():
        for name, work in arms.items():
            taken = seconds(work, given.repeats)
            print(f"{name:34s} {taken:9.3f} {taken / plain:9.1f}", flush=True)


if __name__ == "__main__":
    main()
