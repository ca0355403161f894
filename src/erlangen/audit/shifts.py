"""Why a layer does not commute with shifts, and why it does not commute with motions by parts of a pixel."""

from torch import nn

from erlangen.audit.geometry import CONVS, PADS, POOLS, Reason, by, sizes, spread
from erlangen.audit.record import Call

ADAPTIVE = (nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd)
POINTWISE = "torch.nn.modules.activation"


def shift_reason(call: Call) -> Reason | None:
    """Every reason why a layer's output does not shift with its input: border, stride, windows tied to the map."""
    found = [r for r in (_border(call), _subsampling(call), _resizing(call)) if r is not None]
    if not found:
        return None
    return "; also ".join(cause for cause, _ in found), "; ".join(remedy for _, remedy in found)


def _border(call: Call) -> Reason | None:
    module, d = call.module, len(sizes(call.main_input))
    if isinstance(module, nn.modules.padding._CircularPadNd):
        return (
            "circular padding makes the map larger than the domain, so a shift is none of the padded map; a "
            "convolution that takes the border off again mends it",
            "padding_mode='circular' in the convolution, which does both",
        )
    if isinstance(module, PADS):
        kind = "zero padding" if isinstance(module, nn.modules.padding._ConstantPadNd) else "padding"
    elif isinstance(module, (*CONVS, *POOLS)) and d:
        border = getattr(module, "padding", 0)
        none = border == "valid" or (not isinstance(border, str) and not any(spread(border, d)))
        if none or getattr(module, "padding_mode", "zeros") == "circular":
            return None
        kind = (
            "zero padding" if getattr(module, "padding_mode", "zeros") == "zeros" else f"{module.padding_mode} padding"
        )
    else:
        return None
    return (
        f"{kind}: what is computed at the border depends on where the border is, so features know their place",
        "padding_mode='circular' where the domain closes on itself; else padding=0, on inputs with a margin",
    )


def _subsampling(call: Call) -> Reason | None:
    module, d = call.module, len(sizes(call.main_input))
    if not isinstance(module, (*CONVS, *POOLS)) or d == 0:
        return None
    stride = max(spread(module.stride or module.kernel_size, d))
    if stride < 2:
        return None
    what = "pooling" if isinstance(module, POOLS) else "convolution"
    return (
        f"{what} with stride {stride} keeps one position in {stride} along each axis, so a shift by one pixel reads "
        f"others (aliasing)",
        "stride 1, then a low-pass filter before taking every second position; or PolyphasePool, which is exact",
    )


def _resizing(call: Call) -> Reason | None:
    before, after = sizes(call.main_input), sizes(call.output)
    if isinstance(call.module, ADAPTIVE):
        return (
            f"pooling from {by(before)} to {by(after)} cells: the windows stay where they are when the map shifts",
            "pool over all positions, or keep the resolution",
        )
    if isinstance(call.module, (nn.Upsample, nn.PixelShuffle)) and before != after:
        return (
            f"interpolation from {by(before)} to {by(after)}: a shift by one pixel is none by whole pixels after it",
            "upsample by a whole factor, and count shifts in pixels of the coarser map",
        )
    return None


def smooth_reason(kind: str, generator: str) -> Reason:
    """(cause, remedy) of what a layer adds to a Lie derivative: motions by parts of a pixel see aliasing.

    Args:
        kind: class of the layer, or "code".
        generator: name of the motion.
    """
    activation = getattr(nn, kind, None)
    if isinstance(activation, type) and getattr(activation, "__module__", "") == POINTWISE:
        return (
            f"{kind} acts on each pixel alone and makes frequencies above what the grid can hold, which alias",
            "apply it to a map upsampled by two and filter before sampling again, or use a smoother nonlinearity",
        )
    if "Pool" in kind or "Conv" in kind:
        return (
            f"{kind} samples without a low-pass filter, meets a border, or has filters that {generator} changes",
            "filter before every stride, pad circularly, and use filters that the group leaves as they are",
        )
    return (
        f"{kind} does not commute with motions by parts of a pixel, which interpolate",
        "filter before it, so that the map is smooth at the scale of a pixel",
    )
