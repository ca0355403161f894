"""Depthwise group convolution: every copy of a representation with a kernel of its own, moved over the group."""

from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_signal, operator_dtype
from erlangen.blueprint.depthwise import depthwise_conv
from erlangen.errors import ExactnessError, FieldError
from erlangen.grids.expansion import KernelExpansion
from erlangen.grids.groups import exact_for
from erlangen.grids.linear import PADDING_MODES, PLAIN
from erlangen.grids.needs import needs_one_scale, needs_squares
from erlangen.grids.stride import spread
from erlangen.grids.wrap import wrap
from erlangen.symmetry import Component, Representation


class DepthwiseConv(EquivariantModule):
    """Convolution of every channel with a kernel of its own, keeping the size.

    The channels of a permuted copy hold one kernel, moved by the group: k_{gc}(g t) = k_c(t), the same kernels as those
    that lift a scalar to that copy. Another copy has one isotropic kernel, k(g t) = k(t), for all its channels.

    Law: f(g·x) = g·f(x).

    Args:
        field: type of input and output.
        kernel_size: taps along each axis (…, y, x), or one odd number for all.
        padding_mode: "zeros" or "circular".

    Raises:
        ExactnessError: an even kernel, which cannot keep the size.
        FieldError: no such padding.

    Source: the kernel constraint of Cohen & Welling 2016, arXiv 1602.07576, for diagonal kernels; separability of
        group convolutions: Knigge, Romero, Bekkers 2022, arXiv 2110.13059.
    """

    incomplete = "a depthwise convolution mixes no channels"

    def __init__(self, field: Field, kernel_size: "int | tuple[int, ...]" = 5, *, padding_mode: str = "zeros") -> None:
        super().__init__(field, field)
        needs_squares(field, "DepthwiseConv", "HexConv, or leave out block='separable'")
        needs_one_scale(field, "DepthwiseConv", "ScaleConv, or leave out block='separable'")
        self.d = len(field.space.nominal_shape())
        self.kernel_size = spread(kernel_size, self.d, "kernel_size")
        if padding_mode not in PADDING_MODES:
            raise FieldError(f"padding_mode is 'zeros' or 'circular', got {padding_mode!r}")
        if any(k % 2 == 0 for k in self.kernel_size):
            raise ExactnessError(
                f"a depthwise convolution keeps the size, which the even kernel {self.kernel_size} cannot. "
                "Fix: an odd kernel."
            )
        self.padding, self.padding_mode = tuple(k // 2 for k in self.kernel_size), padding_mode
        scalar = field.with_rep(field.group.representation("trivial"))
        trivial = scalar.rep.terms[0][1]
        kernels = tuple((m, c if c.is_permutation else trivial) for m, c in field.rep.terms)
        self.expand = KernelExpansion(scalar, field.with_rep(Representation(field.group, kernels)), self.kernel_size)
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in self.expand.shapes)
        channels = [1 if c.is_permutation else c.size for m, c in field.rep.terms for _ in range(m * _kernels(c))]
        self.spread = max(channels, default=1) > 1
        if self.spread:  # which kernel a channel has
            kernel_of = torch.arange(len(channels)).repeat_interleave(torch.tensor(channels))
            self.register_buffer("kernel_of", kernel_of, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Variance kept: the mean square of an output is that of the input."""
        for weight, feeding in zip(self.weights, self.expand.feeding(), strict=True):
            nn.init.normal_(weight, std=max(feeding, 1.0) ** -0.5)

    def kernel(self, dtype: torch.dtype | None = None) -> Float[Tensor, "c 1 *taps"]:
        """The kernel of every channel.

        Args:
            dtype: of the result; the weights' own by default.
        """
        kernel = self.expand(list(self.weights), dtype)
        return kernel[self.kernel_of] if self.spread else kernel

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Expand the kernels, convolve."""
        check_signal(self.in_field, x, "DepthwiseConv")
        dtype, padding = operator_dtype("depthwise", x), self.padding
        kernel, x = self.kernel(dtype), x.to(dtype)
        if self.padding_mode != "zeros":
            x, padding = wrap(x, padding), (0,) * self.d
        with torch.autocast(x.device.type, enabled=False):
            return depthwise_conv(x, kernel, padding)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """At every size; of a group that does more than map the grid to itself, for the part that does."""
        part = exact_for(self.in_field.group, self.d) if max(self.kernel_size) > 1 else ""
        return True, part or "always"

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """One a tap and value."""
        return self.in_field.size * prod(self.kernel_size) * prod(shape)

    def export(self) -> nn.Module:
        """An ordinary depthwise convolution."""
        weight = self.kernel().detach()
        plain = PLAIN[self.d](
            self.in_field.size,
            self.in_field.size,
            self.kernel_size,  # pyrefly: ignore[bad-argument-type]  # as many as the convolution has axes
            padding=self.padding,  # pyrefly: ignore[bad-argument-type]
            groups=self.in_field.size,
            bias=False,
            padding_mode=self.padding_mode,  # pyrefly: ignore[bad-argument-type]
            device=weight.device,
            dtype=weight.dtype,
        )
        with torch.no_grad():
            plain.weight.copy_(weight)
        return plain

    def extra_repr(self) -> str:
        """Field and kernel."""
        return f"{self.in_field.rep} of {self.in_field.group}, kernel {'×'.join(map(str, self.kernel_size))}"


def _kernels(component: Component) -> int:
    """How many kernels a copy has: one a channel if they are permuted, else one for all."""
    return component.size if component.is_permutation else 1
