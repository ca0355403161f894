"""Group convolution with the complete kernel space, as one gather and one convolution."""

from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal, operator_dtype
from erlangen.errors import DomainError, ExactnessError, FieldError, UnknownName
from erlangen.grids.convolve import METHODS, convolve_spectra
from erlangen.grids.expansion import BiasExpansion, KernelExpansion
from erlangen.grids.groups import exact_for, mixed_axes
from erlangen.grids.line import convolve_line
from erlangen.grids.needs import needs_one_scale, needs_squares
from erlangen.grids.space import Grid
from erlangen.grids.stride import spread, stride_remainder
from erlangen.grids.wrap import check_period, wrap

CONV = {1: convolve_line, 2: functional.conv2d, 3: functional.conv3d}
PLAIN = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
CHANNELS_LAST = {2: torch.channels_last, 3: torch.channels_last_3d}
PADDING_MODES = {"zeros": "constant", "circular": "circular"}


class Conv(EquivariantModule):
    """Convolution between two fields on a grid: every equivariant kernel on the stencil, and nothing else.

    Lifting, group convolution and projection are this one layer with different fields. The free weights are
    `weights[k]: [dim Hom, copies out, copies in]` for every pair of terms that has an equivariant kernel; a regular
    pair has |G|·k^d of them.

    Law: K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹, hence f(g·x) = g·f(x), for every g that maps the grid to itself. For the
    other elements of C(n), D(n), SO(2), O(2), SO(3), O(3) the taps are turned in least squares over smooth signals,
    Σ_u ⊕ψ(g)[t, u] K(u) in place of K(g⁻¹t), by a true representation ⊕ψ of the group
    (`erlangen.grids.steering.steer`); all of Hom(ρ_in ⊗ ⊕ψ, ρ_out) is reached.

    Args:
        in_field: type of the input.
        out_field: type of the output, same space and group.
        kernel_size: taps along each axis (…, y, x), or one number for all.
        stride: step along each axis.
        padding: zeros on both sides of each axis; None keeps the size at stride 1 for odd kernels, d(k-1)//2.
        dilation: distance between taps.
        groups: blocks of fields that do not mix.
        bias: whether to add the invariant vectors of the output representation.
        padding_mode: "zeros" or "circular".
        inexact: "refuse" raises where a stride breaks the symmetry; "allow" goes on, and plan and audit say so.
        method: "direct"; "spectra", through products of spectra, for stride 1, dilation 1 and one group; "auto",
            whichever a measured table of this machine says is faster for the size at hand.

    Raises:
        NoEquivariantMap: dim Hom = 0 for a term of the output, which would be constantly zero.
        FieldError: fields of different spaces or groups; groups that do not divide the copies.
        ExactnessError: a kernel box that the group does not map to itself; in forward, a size that a stride breaks.

    Source: Cohen & Welling 2016, arXiv 1602.07576; Weiler & Cesa 2019, arXiv 1911.08251 (kernel constraint).
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        kernel_size: "int | tuple[int, ...]" = 3,
        *,
        stride: "int | tuple[int, ...]" = 1,
        padding: "int | tuple[int, ...] | None" = None,
        dilation: "int | tuple[int, ...]" = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        inexact: str = "refuse",
        method: str = "auto",
    ) -> None:
        super().__init__(in_field, out_field)
        space = in_field.space
        if not isinstance(space, Grid) or out_field.space != space or in_field.group != out_field.group:
            raise FieldError(f"Conv maps between fields of one grid and one group, got {in_field} and {out_field}")
        if not in_field.size or not out_field.size:
            raise FieldError(f"Conv needs channels on both sides, got {in_field.size} -> {out_field.size}")
        needs_squares(in_field, "Conv", "HexConv, as space.linear(…) makes it")
        needs_one_scale(in_field, "Conv", "ScaleConv, as space.linear(…) makes it")
        if not isinstance(groups, int) or groups < 1:
            raise FieldError(f"groups is the number of parts that are not mixed, at least 1; got {groups!r}")
        if padding_mode not in PADDING_MODES or inexact not in ("refuse", "allow"):
            raise FieldError(
                f"padding_mode is 'zeros' or 'circular', inexact 'refuse' or 'allow'; got {padding_mode!r}, {inexact!r}"
            )
        self.d = space.d
        self.kernel_size, self.stride = spread(kernel_size, self.d, "kernel_size"), spread(stride, self.d, "stride")
        self.dilation = spread(dilation, self.d, "dilation")
        reach = tuple(r * (k - 1) for r, k in zip(self.dilation, self.kernel_size, strict=True))
        self.padding = tuple(r // 2 for r in reach) if padding is None else spread(padding, self.d, "padding", least=0)
        self.groups, self.padding_mode, self.inexact = groups, padding_mode, inexact
        self.method = self._check_method(method)
        self._check_anisotropy()
        mixed = mixed_axes(in_field.group, self.d)
        # tensor axes that some element mirrors or exchanges; kept, so that compiled forward passes meet no numpy
        self.moved_axes = {self.d - 1 - j for j in range(self.d) if mixed[j, j]}
        self.part = exact_for(in_field.group, self.d) if max(self.kernel_size) > 1 else ""

        terms_in, terms_out = in_field.rep.terms, out_field.rep.terms
        if groups > 1 and (
            len(terms_in) != 1 or len(terms_out) != 1 or terms_in[0][0] % groups or terms_out[0][0] % groups
        ):
            raise FieldError(
                f"groups={groups} needs one term on each side with copies divisible by it, "
                f"got {in_field.rep} -> {out_field.rep}"
            )
        self.expand = KernelExpansion(in_field, out_field, self.kernel_size, groups)
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in self.expand.shapes)
        self.expand_bias = BiasExpansion(out_field) if bias else None
        free = self.expand_bias.free if self.expand_bias is not None else 0
        self.bias = nn.Parameter(torch.empty(free)) if free else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He initialisation: the variance of an output channel is twice the mean square of the inputs that feed it."""
        for weight, feeding in zip(self.weights, self.expand.feeding(), strict=True):
            nn.init.normal_(weight, std=(2.0 / max(feeding, 1.0)) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def kernel(self, dtype: torch.dtype | None = None) -> Float[Tensor, "c_out c_in *taps"]:
        """The expanded convolution kernel, in channels_last memory order.

        Args:
            dtype: of the result; the weights' own by default.
        """
        return self.expand(list(self.weights), dtype)

    def expanded_bias(self) -> Float[Tensor, " c_out"] | None:
        """One bias a channel: Σ free invariant vectors."""
        return None if self.bias is None or self.expand_bias is None else self.expand_bias(self.bias)

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out *moved"]:
        """Expand the kernel, convolve."""
        check_signal(self.in_field, x, "Conv")
        shape = tuple(x.shape[2:])
        if min(self.out_shape(shape)) < 1:
            raise DomainError(
                f"Conv with kernel {self.kernel_size}, dilation {self.dilation} and padding {self.padding} does not "
                f"fit into an input of {'×'.join(map(str, shape))}: no output would be left. "
                "Fix: a smaller kernel, more padding (padding=None keeps the size under odd kernels), or fewer "
                "poolings before it."
            )
        if self.inexact == "refuse":
            self._refuse(shape)
        if self.circular:
            check_period(shape, self.padding)
        dtype = operator_dtype("dense", x)
        kernel, bias = self.kernel(dtype), self.expanded_bias()
        bias, x, padding = None if bias is None else bias.to(dtype), x.to(dtype), self.padding
        if self.one_step and (y := convolve_spectra(x, kernel, bias, padding, self.circular, self.method)) is not None:
            return y
        if self.circular and any(padding):
            x, padding = wrap(x, padding), (0,) * self.d
        return CONV[self.d](x, kernel, bias, self.stride, padding, self.dilation, self.groups)

    # what the plan says

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Exact iff (n + 2p - d(k-1) - 1) mod s = 0 along every axis that the group turns or mirrors."""
        rest = self._remainders(shape)
        if any(rest):
            return False, f"(n+2p-d(k-1)-1) mod {max(self.stride)} = {max(rest)} at {'×'.join(map(str, shape))}"
        when = "always" if max(self.stride) == 1 else f"(n+2p-d(k-1)-1) mod {max(self.stride)} = 0"
        if self.circular and max(self.stride) == 1 and self._shrinks():
            when = "always, but for circular shifts (the period changes)"
        if not self.part:
            return True, when
        return True, self.part if when == "always" else f"{when}, {self.part}"

    def _shrinks(self) -> bool:
        """Whether outputs are more or fewer than inputs at stride 1, so that they have another period."""
        each = zip(self.padding, self.dilation, self.kernel_size, strict=True)
        return any(2 * p != r * (k - 1) for p, r, k in each)

    def _remainders(self, shape: tuple[int, ...]) -> list[int]:
        return [
            stride_remainder(n, p, r, k, s) if axis in self.moved_axes else 0
            for axis, (n, p, r, k, s) in enumerate(
                zip(shape, self.padding, self.dilation, self.kernel_size, self.stride, strict=True)
            )
        ]

    def _refuse(self, shape: tuple[int, ...]) -> None:
        if max(self.stride) == 1:
            return
        exact, why = self.exact_when(shape)
        if not exact:
            raise ExactnessError(
                f"Conv with stride {self.stride}, kernel {self.kernel_size}, padding {self.padding} moves the "
                f"centre of an input "
                f"of {'×'.join(map(str, shape))}: {why}, so {self.in_field.group} is lost. "
                "Fix: change the kernel or the size by one, "
                f"or use stride 1 and Pool, or say inexact='allow'."
            )

    def _check_method(self, method: str) -> str:
        self.circular = self.padding_mode == "circular"
        self.one_step = max(*self.stride, *self.dilation, self.groups) == 1
        if method not in METHODS:
            raise UnknownName("method", method, METHODS)
        if method == "spectra" and not self.one_step:
            raise FieldError(
                "a product of spectra is a convolution with stride and dilation 1 that mixes all fields. "
                "Fix: method='auto' for strides, dilations and groups."
            )
        return method

    def _check_anisotropy(self) -> None:
        """Stride, padding and dilation must be equal along axes that the group exchanges."""
        mixed = mixed_axes(self.in_field.group, self.d)
        for i in range(self.d):
            for j in range(i):
                a, b = self.d - 1 - i, self.d - 1 - j
                same = all(v[a] == v[b] for v in (self.stride, self.padding, self.dilation, self.kernel_size))
                if mixed[i, j] and not same:
                    raise ExactnessError(
                        f"{self.in_field.group} exchanges axes {b} and {a}, but kernel {self.kernel_size}, "
                        f"stride {self.stride}, padding "
                        f"{self.padding} or dilation {self.dilation} differ along them. "
                        "Fix: make them equal, or declare D2 or C2."
                    )

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(n + 2p - d(k-1) - 1) // s + 1 along each axis."""
        return tuple(
            (n + 2 * p - r * (k - 1) - 1) // s + 1
            for n, p, r, k, s in zip(shape, self.padding, self.dilation, self.kernel_size, self.stride, strict=True)
        )

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the expanded convolution."""
        taps = prod(self.kernel_size)
        return prod(self.out_shape(shape)) * self.out_field.size * self.in_field.size // self.groups * taps

    @property
    def incomplete(self) -> str:  # type: ignore[override]
        """Blocks of fields that do not mix have fewer maps."""
        return "" if self.groups == 1 else f"fields mix within {self.groups} groups only"

    def hom_dimension(self) -> int:
        """All free parameters: Σ copies_out · copies_in · dim Hom over pairs of components, plus the bias."""
        return sum(w.numel() for w in self.weights) + (0 if self.bias is None else self.bias.numel())

    def export(self) -> nn.Module:
        """An ordinary convolution with the expanded kernel."""
        weight, bias = self.kernel().detach(), self.expanded_bias()
        plain = PLAIN[self.d](
            self.in_field.size,
            self.out_field.size,
            self.kernel_size,  # pyrefly: ignore[bad-argument-type]  # as many as the convolution has axes
            self.stride,  # pyrefly: ignore[bad-argument-type]
            self.padding,  # pyrefly: ignore[bad-argument-type]
            self.dilation,  # pyrefly: ignore[bad-argument-type]
            self.groups,
            bias is not None,
            self.padding_mode,  # pyrefly: ignore[bad-argument-type]
            weight.device,
            weight.dtype,
        )
        with torch.no_grad():
            plain.weight.copy_(weight)
            if bias is not None and plain.bias is not None:
                plain.bias.copy_(bias)
        # pyrefly: ignore[no-matching-overload]  # torch's stubs leave memory_format out
        return plain.to(memory_format=CHANNELS_LAST[self.d]) if self.d in CHANNELS_LAST else plain

    def extra_repr(self) -> str:
        """Fields, kernel and what differs from the defaults."""
        kernel = "×".join(map(str, self.kernel_size))
        text = f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}, kernel {kernel}"
        for name, default in (("stride", 1), ("dilation", 1), ("groups", 1)):
            value = getattr(self, name)
            if value not in (default, (default,) * self.d):
                text += f", {name} {value}"
        return text
