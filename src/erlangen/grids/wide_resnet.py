"""Wide residual networks with a symmetry."""

from typing import Any

from erlangen.blueprint import EquivariantModule, Field, Sequential, Task
from erlangen.errors import FieldError
from erlangen.grids.mixing import Mixing
from erlangen.grids.residual import Residual
from erlangen.symmetry import FiniteGroup, Representation

STEM = 16  # channels of the first convolution, and of the first stage before it is widened


def residual_block(
    in_field: Field, out_field: Field, kernel_size: "int | tuple[int, ...]" = 3, **local: Any
) -> EquivariantModule:
    """Norm, nonlinearity, convolution, norm, nonlinearity, convolution, added to the signal.

    Where the field changes, the first norm and nonlinearity come before both ways, and the way around is a mixing.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        kernel_size: taps of both convolutions.
        local: other options of both.

    Law: f(g·x) = g·f(x).

    Source: He et al. 2016, arXiv 1603.05027 (order of the layers).
    """
    space, options = in_field.space, {"bias": False, **local}
    before = [space.norm(in_field), space.nonlinearity(in_field)]
    after = [
        space.linear(in_field, out_field, kernel_size=kernel_size, **options),
        space.norm(out_field),
        space.nonlinearity(out_field),
        space.linear(out_field, out_field, kernel_size=kernel_size, **options),
    ]
    if in_field == out_field:
        return Residual(Sequential(*before, *after))
    return Sequential(*before, Residual(Sequential(*after), Mixing(in_field, out_field, bias=False)))


def wide_resnet(field: Field, task: Task, depth: int = 28, widen: int = 10, kernel_size: int = 3) -> Sequential:
    """The wide residual network WRN-depth-widen, whose hidden fields are regular.

    Widths count channels, so that networks of every group cost the same time and a larger group has fewer parameters.
    Where the original strides, the signal is pooled without aliasing, so that the symmetry is exact at every size.

    Args:
        field: type of the input.
        task: decides the head.
        depth: number of convolutions, 6n + 4 with n blocks in each of three stages.
        widen: how many times wider than 16, 32, 64 channels the stages are.
        kernel_size: taps of every convolution.

    Returns:
        A network of convolutions, norms and ReLU; `erlangen.fit(net, data, task=task)` trains it.

    Raises:
        FieldError: no such depth, or an infinite group.

    Source: Zagoruyko & Komodakis 2016, arXiv 1605.07146, table 1; with symmetry: Weiler & Cesa 2019, arXiv 1911.08251.
    """
    if depth < 10 or (depth - 4) % 6:
        raise FieldError(
            f"a wide residual network has 6n + 4 convolutions, n >= 1, got depth={depth}. Fix: 10, 16, 28."
        )
    space, group = field.space, field.group
    if not isinstance(group, FiniteGroup):
        raise FieldError(f"hidden fields are regular, which {group} has none of. Fix: a finite group, such as 'C8'.")
    regular = group.regular

    def hidden(channels: int) -> Field:
        copies = max(1, round(channels / regular.size))
        return field.with_rep(Representation(group, ((copies, regular.terms[0][1]),)))

    now = hidden(STEM)
    steps: list[EquivariantModule] = [space.linear(field, now, kernel_size=kernel_size, bias=False)]
    for stage in range(3):
        if stage:
            steps.append(space.coarsen(now))
        for _ in range((depth - 4) // 6):
            steps.append(residual_block(now, hidden(STEM * widen * 2**stage), kernel_size))
            now = steps[-1].out_field
    return Sequential(*steps, space.norm(now), space.nonlinearity(now), space.readout(now, task, expansion=1))
