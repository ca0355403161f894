"""How much every layer adds to the Lie derivative of the output, by the chain rule.

Feed every layer the tangent A·x that an equivariant network would carry there, and what comes out wrong is its own:

    L f_i = df_i·(A·x_i) − A·f_i(x_i),        L(f_N ∘ … ∘ f_1) = Σ_i df_{N:i+1}·L f_i.

The sum holds for every acyclic network, with branches and skipped layers, where d f_{N:i+1} is the derivative along all
paths from there to the output; the code between two layers counts as a layer.

Source: Gruver et al. 2023, arXiv 2210.02984, section 4 (there estimated by random projections).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.carry import Carrier
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.measure import norms, tensor
from erlangen.audit.probe import check_input, fields_of, forward, guess_out_field, probe_from, quiet
from erlangen.audit.progress import watch
from erlangen.audit.push import differentiable, push
from erlangen.audit.record import record
from erlangen.audit.sites import Site, led_defects, passing
from erlangen.blueprint import Field
from erlangen.errors import UnknownName

METHODS = ("backward", "forward", "differences")
EXACT_OUTPUTS = 32  # with more outputs than this they are projected on so many random directions


@dataclass(frozen=True)
class Contribution:
    """What one layer, or the code before one, adds to the Lie derivative of the output.

    Args:
        generator: name of A.
        layer: where it lies in the model.
        kind: its class, or "code".
        intrinsic: mean of ‖L f_i‖ / ‖f_i(x_i)‖.
        contribution: mean of ‖df_{N:i+1}·L f_i‖ / ‖f(x)‖.
        share: Σ_x ⟨df_{N:i+1}·L f_i, L f⟩ / Σ_x ‖L f‖²; the shares of all layers sum to 1, and a negative one cancels.
        assumed: what was guessed about the action on the layer's values, in words.
    """

    generator: str
    layer: str
    kind: str
    intrinsic: float
    contribution: float
    share: float
    assumed: str


def contributions(
    model: nn.Module,
    data: Any,
    *,
    in_field: Field | None = None,
    out_field: Field | None = None,
    generators: tuple[str, ...] | None = None,
    method: str = "backward",
    sampling: str = "spline",
    samples: int = 8,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Contribution, ...]:
    """What every layer adds to the Lie derivative of a network, for every generator.

        L(f_N ∘ … ∘ f_1) = Σ_i df_{N:i+1}·L f_i

    Args:
        model: any module whose layers are modules.
        data: a data set (its test split), a split or a batch.
        in_field: what the input lives on; by default the model's, else the data set's.
        out_field: what the output should do; by default the model's, else: vectors stay, maps move with the input.
        generators: names; None takes all that move more than colours.
        method: "backward", L f_i by differences, two passes for all layers, and gradients of the outputs, once for all
            generators (exact up to 32 outputs, else in 32 random directions); "forward", a Jacobian-vector product for
            every layer, exact; "differences", two passes for every layer, for networks that cannot be differentiated.
        sampling: "spline", "bicubic" or "fourier", how grids are read between the pixels.
        samples: how many samples; their activations are kept.
        seed: of their choice, and of random directions.
        dtype: floating type to measure in.

    Returns:
        For every generator the layers and the code between them, in the order of execution; those that add nothing are
        left out.

    Raises:
        UnknownName: no such method or generator.
        FieldError: the model fails on the data.
    """
    if method not in METHODS:
        raise UnknownName("way to differentiate", method, METHODS)
    in_field, out_field = fields_of(model, data, in_field, out_field)
    x = probe_from(data, samples, seed, dtype).chunks[0].signal
    check_input(in_field, x)
    flows = [f for f in flows_of(in_field, x, generators, sampling) if not f.invariant]
    if not flows:
        return ()
    with quiet(model, dtype) as still:
        carry = Carrier(in_field.group, x)
        out_field = out_field or guess_out_field(forward(still, x), in_field, carry)[0]
        reps = (carry.rep_of(in_field), carry.rep_of(out_field))
        return contributions_of(still, x, carry, reps, flows, method, seed)


def contributions_of(
    model: nn.Module, x: Tensor, carry: Carrier, reps: tuple[Any, Any], flows: list[Flow], method: str, seed: int
) -> tuple[Contribution, ...]:
    """The contributions of the layers of a quiet network (see `contributions`).

    Args:
        model: in evaluation mode.
        x: [B, …] samples.
        carry: of these samples.
        reps: representations of the channels of input and output.
        flows: the one-parameter groups.
        method: "backward", "forward" or "differences".
        seed: of random directions.
    """
    calls, output = record(model, x, carry, reps[0])
    every = [
        led_defects(model, x, calls, tensor(output), flow, reps, method == "forward")
        for flow in watch(flows, "layers' derivatives")
    ]
    places = sorted({site.place for sites in every for site in sites if site.place is not None})
    pulled = _pulled_back(model, x, calls, tensor(output), places, seed) if method == "backward" else None
    found = []
    for flow, sites in zip(flows, every, strict=True):
        parts = [
            _project(site, pulled) if pulled is not None else _injected(model, x, calls, site, method, tensor(output))
            for site in sites
        ]
        found += _summary(flow, sites, parts, norms(tensor(output)))
    return tuple(found)


class _Pulled:
    """Gradients of the outputs, or of random projections of them, at every site.

    Args:
        directions: [K, B, …] what the output is multiplied by.
        gradients: for every place, [K, B, …].
        scale: what makes the sum of squares over directions that over outputs.
    """

    def __init__(self, directions: Tensor, gradients: dict[Any, Tensor], scale: float) -> None:
        self.directions, self.gradients, self.scale = directions, gradients, scale


def _pulled_back(
    model: nn.Module, x: Tensor, calls: list[Any], output: Tensor, places: list[Any], seed: int
) -> _Pulled:
    """One forward pass, and a backward pass for every direction of the output."""
    outputs = output[0].numel()
    if outputs <= EXACT_OUTPUTS:
        directions = torch.eye(outputs, dtype=output.dtype).reshape(outputs, 1, *output.shape[1:])
        directions = directions.expand(outputs, *output.shape)
        scale = 1.0
    else:
        generator = torch.Generator().manual_seed(seed)
        draw = torch.randint(2, (EXACT_OUTPUTS, *output.shape), generator=generator)
        directions, scale = (2 * draw - 1).to(output.dtype), EXACT_OUTPUTS**-0.5
    kept: dict[Any, Tensor] = {}

    def keep(place: Any, value: Tensor) -> Tensor:
        value = value if value.requires_grad else value.detach().requires_grad_()
        kept[place] = value
        return value.clone()  # a later layer may work in place

    with torch.enable_grad(), differentiable():
        y = tensor(passing(model, x.detach().requires_grad_(), calls, places, keep))
        at = [p for p in places if p in kept]
        sums = {p: [] for p in at}
        for direction in watch(list(directions), "gradients"):
            alive = torch.autograd.grad(y, [kept[p] for p in at], direction, retain_graph=True, allow_unused=True)
            for place, gradient in zip(at, alive, strict=True):
                sums[place].append(torch.zeros_like(kept[place]) if gradient is None else gradient)
    return _Pulled(directions, {p: torch.stack(g).detach() for p, g in sums.items()}, scale)


def _project(site: Site, pulled: _Pulled) -> Tensor:
    """⟨gradient, L f_i⟩ for every direction and sample, [B, K]."""
    factor = pulled.directions if site.place is None else pulled.gradients.get(site.place)
    if factor is None:
        return torch.zeros(len(site.defect), 1, dtype=torch.float64)
    return pulled.scale * (factor.double() * site.defect.double()).flatten(2).sum(2).mT


def _injected(model: nn.Module, x: Tensor, calls: list[Any], site: Site, method: str, output: Tensor) -> Tensor:
    """df_{N:i+1}·L f_i itself, for every sample, [B, outputs]."""
    if site.place is None or not bool(site.defect.any()):
        found = site.defect if site.place is None else torch.zeros_like(output)
    else:

        def rest(value: Tensor) -> Tensor:
            return tensor(passing(model, x, calls, [site.place], lambda place, old: value.clone()))

        found = push(rest, site.value, site.defect, "forward" if method == "forward" else "differences")
    return found.double().reshape(len(found), -1)


def _summary(flow: Flow, sites: list[Site], parts: list[Tensor], size: Tensor) -> list[Contribution]:
    """One result a layer: what it adds in all its calls together."""
    together: dict[tuple[str, str], list[tuple[Site, Tensor]]] = {}
    for site, part in zip(sites, parts, strict=True):
        together.setdefault((site.layer, site.kind), []).append((site, part))
    total = torch.stack(parts).sum(0)
    whole = float(total.square().sum())
    found = []
    for (layer, kind), members in together.items():
        part = torch.stack([p for _, p in members]).sum(0)
        mean = float((part.norm(dim=1) / size.clamp_min(torch.finfo(torch.float64).tiny)).mean())
        share = float((part * total).sum()) / whole if whole > 0 else 0.0
        if mean > 0:
            intrinsic = max(site.intrinsic for site, _ in members)
            found.append(Contribution(flow.name, layer, kind, intrinsic, mean, share, members[0][0].assumed))
    return found
