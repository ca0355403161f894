"""Which continuous symmetries a network has: the null space of its Jacobian times the generators.

For generators A_1 … A_p that move the input, the response to a combination Σ v_i A_i is

    r(v)² = mean over x of ‖Σ v_i (df(x)·A_i x − A_i f(x))‖²  /  mean over x of ‖Σ v_i A_i x‖²

A combination with r(v) = 0 generates a symmetry. The combinations are found on one half of the samples and judged on
the other, beside random directions of the input that move it as far; where outputs move, beside their motion too. Only
what is shown to respond by less than the tolerance is a symmetry: the null hypothesis of every test is that there is
none.

Source: Moskalev, Sepliarskaia, Sosnovik & Smeulders 2022, LieGG: Studying learned Lie group generators, arXiv
2210.04345.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.algebra import Algebra, Generator, readable
from erlangen.audit.algebra_names import name_algebra, outside
from erlangen.audit.judging import TINY, Responses, judge, scale_of
from erlangen.audit.progress import watch
from erlangen.audit.push import push

UNMOVED = 1e-9  # share of the largest motion below which a generator does not move these data
ROUNDING = 1e3  # times the resolution of the floating type, of the output beside the input: no response at all
PART = 0.05  # of a generator may lie outside the symmetries that are said to contain it


def find_algebra(
    f: Callable[[Tensor], Tensor],
    x: Tensor,
    generators: list[Generator],
    seed: int,
    tolerance: float,
    hypotheses: int = 1,
) -> Algebra:
    """The null space of the responses, with its significance.

    Args:
        f: the network on a batch.
        x: [n, …] samples; half of them find, the other half judges.
        generators: A_1 … A_p.
        seed: of the split, of random directions and of the bootstrap.
        tolerance: largest relative response of a symmetry.
        hypotheses: how many such searches are made, by which p-values are multiplied.
    """
    x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))]
    responses = responses_of(f, x, generators, seed)
    half = len(x) // 2
    directions, unmoved = directions_of(responses[:half])
    judging = responses[half:]
    scale = scale_of(judging, directions)
    tests = max(1, directions.shape[1]) * hypotheses
    found = sorted((judge(v, judging, scale, tolerance, tests, seed) for v in directions.T), key=lambda c: c.response)
    kept = np.array([c.coefficients for c in found if c.symmetry])
    basis = readable(kept) if len(kept) else ()
    names, named, closed = _known(basis, generators)
    labels = tuple(g.name for g in generators)
    return Algebra(labels, tuple(found), len(kept), basis, names, named, closed, unmoved, tolerance)


def responses_of(f: Callable[[Tensor], Tensor], x: Tensor, generators: list[Generator], seed: int) -> Responses:
    """The responses of a network to every generator, by exact derivatives where torch has them.

    Args:
        f: the network on a batch.
        x: [n, …] samples.
        generators: A_1 … A_p.
        seed: of the random directions.
    """
    y, eps = f(x), torch.finfo(x.dtype).eps
    motions = torch.stack([g.move(x) for g in generators], 1)  # [n, p, …]
    pushed = torch.stack([_push(f, x, motions[:, i]) for i in watch(range(len(generators)), "generators")], 1)
    carried = torch.stack([g.carry(x, y) for g in generators], 1)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed + 1), dtype=x.dtype).to(x.device)
    answer = _push(f, x, noise)
    x, y, noise, answer = (t.double().flatten(1).cpu() for t in (x, y, noise, answer))
    motions, pushed, carried = (t.double().flatten(2).cpu() for t in (motions, pushed, carried))
    small = ROUNDING * eps / _root_mean_square(x).clamp_min(TINY)
    moving = bool(carried.any())
    if not moving:
        own = (answer / noise.norm(dim=1, keepdim=True).clamp_min(TINY)).square().mean(0).sqrt()
        unit = torch.maximum(own, small * y.square().mean(0).sqrt()).clamp_min(TINY)
        pushed, answer, y = pushed / unit, answer / unit, y / unit
    factors = torch.linalg.qr((pushed - carried).mT, mode="r").R  # exact to rounding, as inner products are not
    terms = (pushed @ pushed.mT + carried @ carried.mT).numpy() if moving else None
    reference = answer.square().sum(1) / noise.square().sum(1)
    floor = float((small * _root_mean_square(y)).square())
    return Responses(factors.numpy(), (motions @ motions.mT).numpy(), terms, reference.numpy(), floor)


def _root_mean_square(x: Tensor) -> Tensor:
    """Of the norms of all samples."""
    return x.square().sum(1).mean().sqrt()


def _push(f: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """df(x)·v, exact where torch has the derivative."""
    try:
        return push(f, x, v, "forward")
    except (NotImplementedError, RuntimeError):
        return push(f, x, v, "extrapolated")


def directions_of(responses: Responses) -> tuple[np.ndarray, int]:
    """Combinations of the generators that move the data, [p, q], best kept first and orthonormal as motions; and p − q.

    They are the right singular vectors of the stacked responses, for motions of unit size.
    """
    sizes, axes = np.linalg.eigh(responses.motions.mean(0))
    moved = sizes > UNMOVED * max(sizes.max(), np.finfo(float).tiny)
    root = axes[:, moved] / np.sqrt(sizes[moved])
    stacked = responses.factors.reshape(-1, len(sizes)) @ root
    return root @ np.linalg.svd(stacked, full_matrices=stacked.shape[0] < stacked.shape[1])[2][::-1].T, int(
        (~moved).sum()
    )


def _known(
    basis: tuple[tuple[float, ...], ...], generators: list[Generator]
) -> tuple[tuple[str, ...], int, float | None]:
    """Names of what the symmetries contain, how many dimensions those have, and how far commutators leave."""
    if not basis:
        return (), 0, None
    span = np.array(basis)
    matrices = [g.matrix for g in generators if g.matrix is not None]
    if len(matrices) == len(generators):
        return name_algebra(np.einsum("kp,pij->kij", span, np.array(matrices)))
    columns = np.linalg.qr(span.T)[0]
    inside = [
        g.name for g, row in zip(generators, np.eye(len(generators)), strict=True) if outside(row, columns) < PART
    ]
    return tuple(inside), len(inside), None
