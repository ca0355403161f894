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
from torch.utils._pytree import tree_leaves

from erlangen.audit.carry import Carrier
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.measure import norms, tensor
from erlangen.audit.probe import check_input, fields_of, forward, guess_out_field, probe_from, quiet
from erlangen.audit.progress import watch
from erlangen.audit.push import differentiable, push
from erlangen.audit.record import record
from erlangen.audit.sites import Place, Site, led_defects, passing
from erlangen.blueprint import Field
from erlangen.errors import UnknownName

METHODS = ("backward", "forward", "differences")
EXACT_OUTPUTS = 32  # with more outputs than this they are projected on random directions
DIRECTIONS = 16  # random directions
KEPT = 1 << 26  # values of activations that are kept, 256 MB in float32


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
            generators (exact up to 32 outputs, else in 16 random directions); "forward", a Jacobian-vector product for
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
        NotImplementedError: the model cannot be differentiated in this way.
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
    duals, y = method == "forward", tensor(output)
    every = [led_defects(model, x, calls, y, flow, reps, duals) for flow in watch(flows, "defects of layers")]
    if method == "backward":
        parts = _pulled_back(model, x, calls, y, every, seed)
    else:
        parts = [[_injected(model, x, calls, site, method, y) for site in sites] for sites in watch(every, "layers")]
    return tuple(
        c for flow, sites, part in zip(flows, every, parts, strict=True) for c in _summary(flow, sites, part, norms(y))
    )


def affordable(model: nn.Module, x: Tensor, carry: Carrier, most: int) -> int:
    """For how many of the samples the activations may be kept, at least one.

    Args:
        model: in evaluation mode.
        x: [B, …] samples.
        carry: of these samples.
        most: no more than this.
    """
    calls, _ = record(model, x[:1], carry)
    values = [leaf for c in calls for leaf in tree_leaves((c.args, c.kwargs, c.output)) if isinstance(leaf, Tensor)]
    return max(1, min(most, len(x), KEPT // max(1, sum(v.numel() for v in values))))


def _pulled_back(
    model: nn.Module, x: Tensor, calls: list[Any], output: Tensor, every: list[list[Site]], seed: int
) -> list[list[Tensor]]:
    """⟨gradient of the output in a direction, L f_i⟩ for every generator and site, [B, directions].

    One forward pass, and a backward pass for every direction: every output, or random signs if there are many, divided
    so that the sum of squares over the directions estimates that over the outputs.
    """
    places = sorted({site.place for sites in every for site in sites if site.place is not None})
    kept: dict[Place, Tensor] = {}

    def keep(place: Place, value: Tensor) -> Tensor:
        kept[place] = value if value.requires_grad else value.detach().requires_grad_()
        return kept[place].clone()  # a later layer may work in place

    parts: list[list[list[Tensor]]] = [[[] for _ in sites] for sites in every]
    with torch.enable_grad(), differentiable():
        y = tensor(passing(model, x.detach().requires_grad_(), calls, places, keep))
        at = [p for p in places if p in kept]
        if at and not y.requires_grad:
            raise NotImplementedError(
                f"the output of {type(model).__name__} has no gradient. Fix: method='differences', which needs none"
            )
        for direction in watch(_directions(output, seed), "gradients"):
            wanted = [kept[p] for p in at]
            found = torch.autograd.grad(y, wanted, direction, retain_graph=True, allow_unused=True) if at else ()
            pulled: dict[Place | None, Tensor | None] = {None: direction, **dict(zip(at, found, strict=True))}
            for sites, rows in zip(every, parts, strict=True):
                for site, row in zip(sites, rows, strict=True):
                    row.append(_inner(pulled.get(site.place), site.defect))
    return [[torch.stack(row, 1) for row in rows] for rows in parts]


def _directions(output: Tensor, seed: int) -> list[Tensor]:
    """Every output of a sample, or random signs if there are many, each [B, …] like the output."""
    count = output[0].numel()
    if count <= EXACT_OUTPUTS:
        unit = torch.eye(count, dtype=output.dtype, device=output.device).reshape(count, 1, *output.shape[1:])
        return list(unit.expand(count, *output.shape))
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(2, (DIRECTIONS, *output.shape), generator=generator)
    return list((2 * signs - 1).to(output) / DIRECTIONS**0.5)


def _inner(gradient: Tensor | None, defect: Tensor) -> Tensor:
    """⟨gradient, defect⟩ of every sample, [B]."""
    if gradient is None:
        return torch.zeros(len(defect), dtype=torch.float64)
    return (gradient.detach().flatten(1) * defect.flatten(1)).sum(1, dtype=torch.float64).cpu()


def _injected(model: nn.Module, x: Tensor, calls: list[Any], site: Site, method: str, output: Tensor) -> Tensor:
    """df_{N:i+1}·L f_i itself, for every sample, [B, outputs]."""
    if site.place is None:
        found = site.defect
    else:

        def rest(value: Tensor) -> Tensor:
            return tensor(passing(model, x, calls, [site.place], lambda place, old: value.clone()))

        found = push(rest, site.value, site.defect, "forward" if method == "forward" else "differences")
    return found.double().reshape(len(found), -1).cpu()


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
