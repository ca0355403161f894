"""The Fourier nonlinearity: sample the functions that irreps hold, apply a pointwise function, and transform back."""

from copy import deepcopy
from math import prod

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Tables, check_signal, operator_dtype
from erlangen.errors import UnknownName
from erlangen.grids.groups import exact_part
from erlangen.grids.nonlinearity import POINTWISE
from erlangen.grids.sampling import sampling
from erlangen.symmetry import FiniteGroup
from erlangen.symmetry.rotations import PlaneRotations


class FourierNonlinearity(EquivariantModule):
    """A pointwise function of the functions on the group, or on the sphere, whose coefficients the channels are.

    A pointwise function of a band-limited function is not band-limited: what lies beyond the band is cut off, and what
    the samples cannot tell from it falls back into it. More samples cost more and make that smaller.

    Law: f(ρ(g) x) = ρ(g) f(x), exactly for elements that permute the samples: all of a finite group; C4, D4, O, O_h of
    SO(2), O(2), SO(3), O(3); up to aliasing for the others.

    Args:
        field: type of input and output: m copies of the trivial irrep, and multiples of m of others.
        function: the pointwise function, such as "gelu".
        samples: rotations of SO(2) and O(2), a multiple of 4; points of the sphere for SO(3) and O(3), 14, 26 or 50;
            None takes two or more a coefficient. A finite group is sampled at its elements.

    Raises:
        FieldError: the field holds no functions, or they cannot be sampled so.
        UnknownName: no such function.

    Source: Cohen, Geiger, Koehler & Welling 2018, arXiv 1801.10130 (to samples and back); Cesa, Lang & Weiler 2022, "A
        Program to Build E(N)-Equivariant Steerable CNNs" (on grids).
    """

    def __init__(self, field: Field, function: str = "gelu", samples: int | None = None) -> None:
        super().__init__(field, field)
        if function not in POINTWISE:
            raise UnknownName("nonlinearity", function, sorted(POINTWISE))
        found = sampling(field.rep, samples)
        self.samples, self.turns = len(found.there), found.turns
        self.functions = found.functions
        self.body = FourierBody(Tables({"there": found.every("there"), "back": found.every("back").T}), function)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Sample, apply the function, transform back."""
        check_signal(self.in_field, x, "FourierNonlinearity")
        return self.body(x)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Always, for the part of the group that permutes the samples."""
        group = self.in_field.group
        if isinstance(group, FiniteGroup):
            return True, "always"
        if isinstance(group, PlaneRotations):
            part = f"{'D' if group.reflections else 'C'}{self.turns}"
        else:
            part = exact_part(group, 3).name
        return True, f"for {part}, up to aliasing beyond"

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Both changes of basis, as matrices on all channels."""
        return 2 * self.functions * self.samples * self.in_field.size * prod(shape)

    def export(self) -> nn.Module:
        """The same in plain torch."""
        return deepcopy(self.body)

    def extra_repr(self) -> str:
        """Functions and samples."""
        return f"{self.body.function} of {self.functions} functions on {self.in_field.group}, {self.samples} samples"


class FourierBody(nn.Module):
    """Plain torch: to samples, pointwise, and back, as one matrix each.

    Args:
        tables: "there" [m·samples, C] and "back" [C, m·samples].
        function: name of the pointwise function.
    """

    def __init__(self, tables: Tables, function: str) -> None:
        super().__init__()
        self.tables, self.function = tables, function

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, *space] to the same."""
        dtype = operator_dtype("dense", x)
        there, back = (self.tables.get_buffer(name).to(dtype) for name in ("there", "back"))
        samples = functional.linear(x.movedim(1, -1).to(dtype), there)
        return functional.linear(POINTWISE[self.function](samples), back).movedim(-1, 1)
