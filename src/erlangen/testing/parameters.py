"""Laws of free parameters: a linear layer reaches every equivariant map, and every parameter counts.

A layer that is affine in its input is a matrix M(θ) and a bias b(θ). Its derivatives by the free parameters θ span
the maps that training can reach; they are compared with what the solver finds, as subspaces.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.blueprint import EquivariantModule
from erlangen.errors import ErlangenError
from erlangen.solve import Certificate, invariants, solve
from erlangen.testing.row import LINEAR, Row
from erlangen.testing.subject import NotApplicable, Shape, Subject, law, values

SAME_SPACE = 1e-6
MOST_UNKNOWNS, MOST_PARAMETERS = 40_000, 4_000


@dataclass(frozen=True)
class Reach:
    """The maps that a layer reaches, beside all equivariant ones.

    Args:
        parameters: how many are free.
        rank: dimension of what they reach, linear part and bias together.
        maps: dimension of the linear parts they reach.
        biases: dimension of the biases they reach.
        hom: the certificate of all equivariant maps.
        invariant: dimension of all equivariant biases.
        directions: along how many the parameters were moved; a rank equal to it says nothing about more parameters.
        outside: how far the reached maps lie outside the equivariant ones, 0 to 1.
        linear: whether the matrix is linear in the parameters too.
        where: "on 5×5", or nothing at a point.
    """

    parameters: int
    rank: int
    maps: int
    biases: int
    hom: Certificate
    invariant: int
    directions: int
    outside: float
    linear: bool
    where: str


@law("free parameters")
def law_parameters(subject: Subject) -> str:
    """Every free parameter matters; a linear layer has no two that do the same; `hom_dimension` counts them."""
    dead = _dead(subject)
    if dead:
        raise subject.broken("free parameters", f"nothing depends on {', '.join(dead)}, in training or evaluation")
    count = sum(p.numel() for p in subject.original.parameters() if p.requires_grad)
    dimension: Any = getattr(subject.original, "hom_dimension", None)
    if dimension is not None and count != dimension():
        raise subject.broken("free parameters", f"{count} parameters, but hom_dimension() is {dimension()}")
    try:
        reach = reach_of(subject)
    except NotApplicable as reason:
        return f"{count} = hom_dimension()" if dimension is not None else f"{count}, each matters; {reason}"
    if reach.linear and reach.rank < min(count, reach.directions):
        raise subject.broken(
            "free parameters",
            f"{count} parameters reach a space of dimension {reach.rank}{reach.where}: "
            f"{count - reach.rank} of them change nothing that the others do not",
        )
    return f"{count}, independent{reach.where}"


@law("complete")
def law_complete(subject: Subject) -> str:
    """A linear layer reaches every map the solver finds, and no other, unless it says why not (`incomplete`)."""
    reach = reach_of(subject)
    found = f"{reach.maps} of {reach.hom.dim} equivariant linear maps{reach.where} (solved by {reach.hom.method})"
    if reach.outside > SAME_SPACE:
        raise subject.broken(
            "complete", f"reaches maps that are not equivariant: {reach.outside:.1e} of one lies outside Hom_G"
        )
    if subject.original.incomplete:
        return f"{found}: {subject.original.incomplete}"
    if reach.maps < reach.hom.dim:
        raise subject.broken(
            "complete", f"reaches {found}. Fix: give it the others, or say why not in the attribute `incomplete`"
        )
    if reach.biases not in (0, reach.invariant):
        raise subject.broken("complete", f"reaches {reach.biases} of {reach.invariant} invariant biases")
    return f"{found}, {reach.biases} of {reach.invariant} biases"


def reach_of(subject: Subject) -> Reach:
    """What the layer reaches, found once for a subject.

    Raises:
        NotApplicable: the module is not a linear layer with parameters on a domain with a centre.
    """
    if subject.reach is None:
        try:
            subject.reach = _measure(subject)
        except NotApplicable as reason:
            subject.reach = reason
    if isinstance(subject.reach, NotApplicable):
        raise subject.reach
    return subject.reach


def _measure(subject: Subject) -> Reach:
    subject.needs_tensor("on a varying domain the tests of that domain compare it with the solver")
    module = subject.fresh().double()
    names = [name for name, p in module.named_parameters() if p.requires_grad]
    count = sum(module.get_parameter(name).numel() for name in names)
    if not _is_affine(subject, module):
        raise NotApplicable("it is not linear in its input")
    if len(list(module.leaves())) > 1:
        raise NotApplicable("it is made of several layers, which are checked one by one")
    if not count:
        raise NotApplicable("it has nothing to learn")
    row = Row(subject, module, names)
    if count > MOST_PARAMETERS or row.unknowns > MOST_UNKNOWNS:
        raise NotApplicable(f"{count} parameters and {row.unknowns} unknowns are too many here; check a narrower copy")
    hom = solve(row.rep_in(), module.out_field.rep)
    invariant = invariants(module.out_field.rep).dim
    directions = min(count, hom.dim + invariant + 8)
    maps, biases, linear = row.derivatives(count, directions)
    basis = hom.basis.reshape(hom.dim, row.unknowns)
    _, reached = _row_space(maps)
    outside = float(np.linalg.norm(reached - (reached @ basis.T) @ basis, axis=1).max(initial=0.0))
    return Reach(
        parameters=count,
        rank=_row_space(np.hstack([maps, biases]))[0],
        maps=len(reached),
        biases=_row_space(biases)[0],
        hom=hom,
        invariant=invariant,
        directions=directions,
        outside=outside,
        linear=linear,
        where=row.where,
    )


def _dead(subject: Subject) -> list[str]:
    """The parameters with an entry on which no output depends."""
    modules = [subject.fresh().train(training) for training in (False, True)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(subject.seed)
        for seed in range(4):
            for module, shape in product(modules, _sizes(subject)):
                y = values(module(subject.signal(shape, 4, offset=seed)))
                if y.requires_grad:
                    (y * torch.randn_like(y)).sum().backward()
    dead = []
    for (name, p), (_, q) in zip(modules[0].named_parameters(), modules[1].named_parameters(), strict=True):
        grads = [torch.zeros_like(p) if r.grad is None else r.grad for r in (p, q)]
        still = int(((grads[0] == 0) & (grads[1] == 0)).sum())
        if p.requires_grad and still:
            dead.append(f"{name} ({still} of {p.numel()} numbers)")
    return dead


def _sizes(subject: Subject) -> list[Shape]:
    """The first size it takes, and the nominal one: on a small domain some taps meet padding only."""
    first = subject.shapes[0]
    nominal = subject.module.in_field.space.nominal_shape()
    if first is None or first == nominal:
        return [first]
    try:
        with torch.no_grad():
            subject.module(subject.signal(nominal))
    except ErlangenError:
        return [first]
    return [nominal, first]


def _is_affine(subject: Subject, module: EquivariantModule) -> bool:
    """f(2x - 3y) - f(0) = 2 (f(x) - f(0)) - 3 (f(y) - f(0)), in evaluation mode."""
    x, y = (subject.signal(dtype=torch.float64, offset=k) for k in (0, 1))
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        return False
    with torch.no_grad():
        base = module(torch.zeros_like(x))
        got, want = module(2 * x - 3 * y) - base, 2 * (module(x) - base) - 3 * (module(y) - base)
    return bool((got - want).abs().max() <= LINEAR * want.abs().max())


def _row_space(rows: np.ndarray) -> tuple[int, np.ndarray]:
    """The rank of some rows, and an orthonormal basis of what they span."""
    if not rows.size:
        return 0, np.zeros((0, rows.shape[1]))
    _, values, basis = np.linalg.svd(rows, full_matrices=False)
    rank = int((values > SAME_SPACE * values[0]).sum()) if values[0] > 0 else 0
    return rank, basis[:rank]
