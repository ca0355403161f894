"""Batch normalisation on a hexagonal grid: statistics of the cells, without the dead corners of the box."""

from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.grids.hexagon.lattice import masked, radius_of
from erlangen.grids.norm import BatchNorm


class HexBatchNorm(EquivariantModule):
    """Batch normalisation with statistics and affine map shared by the channels of each copy; dead cells stay zero.

    Law: f(g·x) = g·f(x), in training too, since the statistics are means over an orbit.

    Args:
        field: type of input and output.
        momentum: share of the new statistics in the running ones.
        eps: added to the variance.
    """

    incomplete = BatchNorm.incomplete

    def __init__(self, field: Field, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__(field, field)
        self.batch = BatchNorm(field, momentum, eps)

    def forward(self, x: Float[Tensor, "b c n n"]) -> Float[Tensor, "b c n n"]:
        """Normalise by the batch in training, by the running statistics otherwise."""
        check_signal(self.in_field, x, "HexBatchNorm")
        radius = radius_of(x.shape[2:])
        cells = 1 + 3 * radius * (radius + 1)
        share = cells / (2 * radius + 1) ** 2
        if not self.training or x.numel() == 0:
            return masked(self.batch.normalise(x, share))
        less = self._near(x, cells)
        x = masked(x - less[self.batch.copy].view(1, -1, 1, 1))
        return masked(self.batch.normalise(x, share, less))

    def _near(self, x: Float[Tensor, "b c n n"], cells: int) -> Float[Tensor, " copies"]:
        """A number near the mean of each copy, that of the first sample; beside it the zeros outside are not far."""
        first = x[0].detach().to(self.batch.average.dtype).sum(dim=(1, 2)) / cells
        return (self.batch.average @ first * self.batch.centred).to(x.dtype)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """One a value for the scale, one for the dead corners."""
        return 2 * self.batch.multiplications(shape)

    def export(self) -> nn.Module:
        """`BatchNorm2d` with statistics repeated over channels, then zeros in the dead corners."""
        return nn.Sequential(self.batch.export(), DeadCorners())


class DeadCorners(nn.Module):
    """Zeros in the dead corners of a hexagon's box, in plain torch."""

    def forward(self, x: Tensor) -> Tensor:
        """x on the cells, zero elsewhere."""
        return masked(x)
