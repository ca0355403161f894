"""The geometry of convolutions, pooling and padding: strides off centre, uneven borders, filters without symmetry."""

from typing import Any

from torch import Tensor, nn

from erlangen.audit.carry import Carrier
from erlangen.audit.record import Call
from erlangen.blueprint import Action

CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
POOLS = (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd, nn.modules.pooling._LPPoolNd)
PADS = (
    nn.modules.padding._ConstantPadNd,
    nn.modules.padding._ReflectionPadNd,
    nn.modules.padding._ReplicationPadNd,
    nn.modules.padding._CircularPadNd,
)
Reason = tuple[str, str]  # cause, remedy


def convolution_or_pooling(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """Every reason that applies to a convolution, pooling or padding layer, the gravest first."""
    found = [r for r in (_kernel(call, carry, action), _padding(call), _unequal(call), _stride(call)) if r is not None]
    if not found:
        return None
    return "; also ".join(cause for cause, _ in found), "; ".join(remedy for _, remedy in found)


def sizes(x: Any) -> tuple[int, ...]:
    """Spatial sizes of a map [B, C, *spatial]."""
    return tuple(x.shape[2:]) if isinstance(x, Tensor) else ()


def spread(value: Any, d: int) -> tuple[int, ...]:
    """One number for every axis."""
    return (int(value),) * d if isinstance(value, int) else tuple(int(v) for v in value)


def by(shape: tuple[int, ...]) -> str:
    """A size in words, "28×28"."""
    return "×".join(str(n) for n in shape)


def _padding(call: Call) -> Reason | None:
    """Different padding on opposite sides."""
    module, x = call.module, call.main_input
    if isinstance(module, PADS):
        sides = [int(p) for p in spread(module.padding, 2 * len(sizes(x)))]
        pairs = list(zip(sides[::2], sides[1::2], strict=True))
    elif isinstance(module, CONVS) and module.padding == "same":
        reach = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        pairs = [(r // 2, r - r // 2) for r in reach]
    else:
        return None
    if all(a == b for a, b in pairs) and len(set(pairs)) == 1:
        return None
    words = ", ".join(f"{a} before and {b} after" for a, b in pairs)
    return f"uneven padding ({words} along the axes) moves the centre of the map", "pad equally on all sides"


def _unequal(call: Call) -> Reason | None:
    """Windows that are longer along one axis than along another."""
    module, d = call.module, len(sizes(call.main_input))
    if not isinstance(module, POOLS) or d < 2:
        return None
    k, s = spread(module.kernel_size, d), spread(module.stride or module.kernel_size, d)
    if len(set(k)) == 1 and len(set(s)) == 1:
        return None
    return (
        f"pooling over windows of {by(k)} with stride {by(s)}: not equal along axes that the group exchanges",
        "pool alike along all axes; resample voxels or pixels of unequal sides first",
    )


def _stride(call: Call) -> Reason | None:
    """(n + 2p − d(k−1) − 1) mod s ≠ 0: the sampled positions are not symmetric about the centre."""
    module, x = call.module, call.main_input
    d = len(sizes(x))
    if not isinstance(module, (*CONVS, *POOLS)) or d == 0 or isinstance(getattr(module, "padding", 0), str):
        return None
    k, s = spread(module.kernel_size, d), spread(module.stride or module.kernel_size, d)
    p, r = spread(getattr(module, "padding", 0), d), spread(getattr(module, "dilation", 1), d)
    for n, ki, si, pi, ri in zip(sizes(x), k, s, p, r, strict=True):
        rest = (n + 2 * pi - ri * (ki - 1) - 1) % si
        if rest:
            good = [m for m in range(max(1, n - si), n + si + 1) if (m + 2 * pi - ri * (ki - 1) - 1) % si == 0]
            nearest = " or ".join(str(m) for m in sorted(sorted(good, key=lambda m: abs(m - n))[:2]))
            what = "pooling" if isinstance(module, POOLS) else "convolution"
            return (
                f"{what} with stride {si} on size {n}: (n + 2p − d(k−1) − 1) mod s = "
                f"({n} + {2 * pi} − {ri * (ki - 1)} − 1) mod {si} = {rest}, so the sampled "
                f"positions are not symmetric about the centre",
                f"use an input of size {nearest}, or a kernel one tap {'shorter' if ki > 2 else 'longer'}, or stride 1 "
                f"and anti-aliased pooling",
            )
    return None


def _kernel(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """An ordinary convolution whose filters the group changes."""
    module = call.module
    if not isinstance(module, (*CONVS, *TRANSPOSED)) or action is None or action.family == "translation":
        return None
    if (call.in_rep is None or call.in_rep.is_trivial) and (call.out_rep is None or call.out_rep.is_trivial):
        w = module.weight.detach()
        turned = action.move(w, None)
        share = float((turned - w).norm() / w.norm().clamp_min(1e-30)) if turned.shape == w.shape else 2.0
        if share < 1e-4:
            return None
        kind = f"its filters change by {share:.0%} under {action.label}"
    else:
        fields = f"{call.in_rep or 'trivial'} to {call.out_rep or 'trivial'}"
        kind = f"its filters do not obey K(g t) = ρ(g) K(t) ρ(g)⁻¹ for the fields around it ({fields})"
    return f"an ordinary convolution: {kind}", f"use an equivariant convolution of {carry.group} with as many channels"
