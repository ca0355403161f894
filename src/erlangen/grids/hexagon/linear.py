"""Group convolution on a hexagonal grid with the complete kernel space, as one expansion and one `conv2d`."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal, operator_dtype
from erlangen.errors import ExactnessError, FieldError
from erlangen.grids.convolve import convolve_spectra
from erlangen.grids.hexagon.kernel import HexBias, HexKernel
from erlangen.grids.hexagon.lattice import masked, radius_of
from erlangen.grids.stride import spread


class HexConv(EquivariantModule):
    """Convolution between two fields on a hexagonal grid: every equivariant kernel on the hexagonal taps, nothing else.

    The output of a hexagon of radius R has radius R // s: its cells are every s-th, counted from the centre. A regular
    pair of fields has |G| · (1 + 3ρ(ρ + 1)) free weights, for a kernel of 2ρ + 1 rows and columns.

    Law: K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹, hence f(g·x) = g·f(x), at every radius and stride.

    Args:
        in_field: type of the input.
        out_field: type of the output, same space and group.
        kernel_size: rows and columns 2ρ + 1 of the kernel's box, odd.
        stride: step s.
        dilation: distance between taps.
        groups: blocks of fields that do not mix.
        bias: whether to add the invariant vectors of the output representation.

    Raises:
        NoEquivariantMap: dim Hom = 0 for a term of the output, which would be constantly zero.
        FieldError: fields of different spaces or groups, or not on a hexagonal grid; groups that do not divide copies.
        ExactnessError: an even or oblong kernel, which holds no hexagon.

    Source: Hoogeboom, Peters, Cohen and Welling 2018, arXiv 1803.02108.
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        kernel_size: "int | tuple[int, ...]" = 3,
        *,
        stride: "int | tuple[int, ...]" = 1,
        dilation: "int | tuple[int, ...]" = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_field, out_field)
        if in_field.space.name != "hexagons" or in_field.space != out_field.space or in_field.group != out_field.group:
            raise FieldError(f"HexConv maps between fields of one HexGrid and one group: {in_field}, {out_field}")
        taps = spread(kernel_size, 2, "kernel_size")
        if taps[0] != taps[1] or taps[0] % 2 == 0:
            raise ExactnessError(f"a kernel of {taps[0]}×{taps[1]} taps holds no hexagon. Fix: one odd number.")
        self.reach = taps[0] // 2
        steps, gaps = spread(stride, 2, "stride"), spread(dilation, 2, "dilation")
        if steps[0] != steps[1] or gaps[0] != gaps[1]:
            raise ExactnessError(
                f"turns by 60° exchange the axes, but stride {steps} or dilation {gaps} differ along them. "
                "Fix: one number for both."
            )
        self.stride, self.dilation, self.groups = steps[0], gaps[0], groups
        terms = (*in_field.rep.terms, *out_field.rep.terms)
        if groups > 1 and (len(terms) != 2 or any(copies % groups for copies, _ in terms)):
            raise FieldError(
                f"groups={groups} needs one term on each side with copies divisible by it, "
                f"got {in_field.rep} -> {out_field.rep}"
            )
        self.expand = HexKernel(in_field, out_field, self.reach, groups)
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in self.expand.shapes)
        self.expand_bias = HexBias(out_field) if bias else None
        free = self.expand_bias.free if self.expand_bias is not None else 0
        self.bias = nn.Parameter(torch.empty(free)) if free else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He initialisation: the variance of an output channel is twice the mean square of the inputs that feed it."""
        for weight, feeding in zip(self.weights, self.expand.feeding(), strict=True):
            nn.init.normal_(weight, std=(2.0 / max(feeding, 1.0)) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def kernel(self, dtype: torch.dtype | None = None) -> Float[Tensor, "c_out c_in k k"]:
        """The expanded convolution kernel, zero at the dead taps, in channels_last memory order.

        Args:
            dtype: of the result; the weights' own by default.
        """
        return self.expand(list(self.weights), dtype)

    def expanded_bias(self) -> Float[Tensor, " c_out"] | None:
        """One bias a channel: Σ free invariant vectors."""
        return None if self.bias is None or self.expand_bias is None else self.expand_bias(self.bias)

    def forward(self, x: Float[Tensor, "b c_in n n"]) -> Float[Tensor, "b c_out m m"]:
        """Expand the kernel, convolve, keep the dead corners zero."""
        check_signal(self.in_field, x, "HexConv")
        dtype = operator_dtype("dense", x)
        bias = self.expanded_bias()
        bias, x, kernel = None if bias is None else bias.to(dtype), x.to(dtype), self.kernel(dtype)
        if max(self.stride, self.dilation, self.groups) == 1:
            y = convolve_spectra(x, kernel, bias, (self.reach, self.reach))
            if y is not None:
                return masked(y)
        return convolve_cells(x, kernel, bias, self.stride, self.dilation, self.groups)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """At every radius."""
        radius_of(shape)
        return True, "at every radius"

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The box of radius R // s."""
        return (2 * (radius_of(shape) // self.stride) + 1,) * 2

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the expanded convolution, dead taps and corners included."""
        side = self.out_shape(shape)[0]
        channels = self.out_field.size * self.in_field.size // self.groups
        return side**2 * channels * (2 * self.reach + 1) ** 2 + side**2 * self.out_field.size

    @property
    def incomplete(self) -> str:  # type: ignore[override]
        """Blocks of fields that do not mix have fewer maps."""
        return "" if self.groups == 1 else f"fields mix within {self.groups} groups only"

    def hom_dimension(self) -> int:
        """All free parameters: Σ copies_out · copies_in · dim Hom over pairs of components, plus the bias."""
        return sum(w.numel() for w in self.weights) + (0 if self.bias is None else self.bias.numel())

    def export(self) -> nn.Module:
        """An ordinary convolution with the expanded kernel, then zeros in the dead corners."""
        bias = self.expanded_bias()
        return PlainHexConv(self.kernel(), bias, self.stride, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """Fields, kernel and what differs from the defaults."""
        text = f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}, radius {self.reach}"
        for name in ("stride", "dilation", "groups"):
            if getattr(self, name) != 1:
                text += f", {name} {getattr(self, name)}"
        return text


def convolve_cells(
    x: Tensor, kernel: Tensor, bias: Tensor | None, stride: int = 1, dilation: int = 1, groups: int = 1
) -> Tensor:
    """`conv2d` in axial coordinates whose outputs are every s-th cell from the centre; dead corners are zero.

    Args:
        x: [B, C, 2R+1, 2R+1], zero in the dead corners.
        kernel: zero at the dead taps.
        bias: one number a channel.
        stride: s.
        dilation: distance between taps.
        groups: as in `conv2d`.
    """
    start = radius_of(x.shape[2:]) % stride
    padding = dilation * (kernel.shape[-1] // 2) - start
    if padding < 0:
        x, padding = x[..., -padding:padding, -padding:padding], 0
    return masked(functional.conv2d(x, kernel, bias, stride, padding, dilation, groups))


class PlainHexConv(nn.Module):
    """The plain-torch form of `HexConv`."""

    def __init__(self, kernel: Tensor, bias: Tensor | None, stride: int, dilation: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(kernel.detach().clone(memory_format=torch.channels_last))
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.stride, self.dilation, self.groups = stride, dilation, groups

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, keep the dead corners zero."""
        return convolve_cells(x, self.weight, self.bias, self.stride, self.dilation, self.groups)
