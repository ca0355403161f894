"""Why a layer loses a symmetry, and what to do: rules that look at its type, its configuration and its weights."""

from math import prod

from torch import Tensor, nn

from erlangen.audit.adapted import opened
from erlangen.audit.carry import Carrier, UnknownAction, tensor_of
from erlangen.audit.encode import why_encoding
from erlangen.audit.geometry import CONVS, TRANSPOSED, Reason, by, convolution_or_pooling, sizes
from erlangen.audit.localise import Row
from erlangen.audit.record import Call
from erlangen.audit.shifts import shift_reason
from erlangen.blueprint import Action, EquivariantModule
from erlangen.symmetry import Representation

FLATTEN = (
    "flattening turns the place of a feature into the number of a channel, so moving the input shuffles the channels",
    "pool over all positions (mean or max) before the linear layer",
)
ORDER = (
    "the result depends on the order in which nodes or edges are listed",
    "aggregate with a sum, mean or maximum, which do not see the order",
)
RECURRENT = (
    "a recurrent network reads its inputs one after the other, so the order in which nodes or edges are listed counts",
    "aggregate with a sum, mean or maximum, or sort by something the graph itself defines",
)

AXES = (
    "{} has no weights, so it is the order of its axes: it reshapes, splits or averages along one that the group mixes "
    "(coordinates with particles, rows with columns)",
    "reduce over whole positions or whole copies of a representation only; check the order in every reshape",
)


def reason(model: nn.Module, row: Row, carry: Carrier, action: Action | None) -> Reason:
    """(cause, remedy) of the error of one row.

    Args:
        model: the whole network, whose own parameters may be added between layers.
        row: the guilty layer or code.
        carry: of the audited signal.
        action: the element under which it was worst.
    """
    if row.kind == "code":
        return _code_reason(model, row, carry)
    call = row.before
    if call is None:
        return "unknown", "look at this place by hand"
    for rule in (
        _declared,
        _flatten,
        _recurrent,
        _positional,
        _shift,
        convolution_or_pooling,
        _field_of_plain_layer,
        _weights,
        _nodes,
    ):
        found = rule(call, carry, action)
        if found is not None:
            return found
    found = _encoding(call, carry)
    if found is not None:
        return found
    if row.fed:
        return (
            f"{call.type} is fed channels that the group moves (fitted: {row.fed}), and its output does not follow",
            "pool over the group before it, or use an equivariant layer",
        )
    if not any(True for _ in call.module.parameters()):
        return AXES[0].format(call.type), AXES[1]
    return (
        f"{call.type} does not commute with the action on its input and output",
        "replace it by an equivariant layer, or make it equivariant by averaging over the group",
    )


def _encoding(call: Call, carry: Carrier) -> Reason | None:
    """A step without weights, such as a crop or a resize: where its output lies on its input."""
    x = call.main_input
    alone = x is not None and len(call.args) == 1 and not call.kwargs and x is call.args[0]
    if x is None or not alone or carry.on is not None or any(True for _ in call.module.parameters()):
        return None
    return why_encoding(call.module, x)


def company_reason(call: Call) -> Reason:
    """(cause, remedy) for a layer whose output for one sample depends on the others."""
    if isinstance(call.module, nn.modules.batchnorm._BatchNorm):
        why = (
            "has no running statistics"
            if call.module.running_mean is None
            else "uses the statistics of the batch in evaluation mode"
        )
        return f"batch normalisation {why}", "track running statistics and use them in evaluation mode"
    return "samples of one batch influence each other", "compute statistics over each sample alone"


def _declared(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """An equivariant module: its own condition, then its bias."""
    if not isinstance(call.module, EquivariantModule):
        return None
    x = call.main_input
    shape = sizes(x)
    if shape and carry.on is None:
        exact, when = call.module.exact_when(shape)
        if not exact:
            return f"not exact at size {by(shape)}: {when}", _other_size(call.module, shape)
    if call.out_rep is not None and action is not None:
        for name, parameter in call.module.named_parameters():
            if (
                parameter.ndim == 1
                and len(parameter) == call.out_rep.size
                and _moved(parameter, carry, action, call.out_rep)
            ):
                return (
                    f"parameter {name!r} differs between the channels of one field: ρ(g) b ≠ b",
                    "share one value over the channels of a copy, or restrict it to the invariant vectors of ρ",
                )
    if call.in_rep is None and call.out_rep is None and call.module.in_field.group != carry.group:
        own = call.module.in_field.group
        return (
            f"an ordinary {call.type} of {own}: its weights are not symmetric under {carry.group}",
            f"derive it for {carry.group}",
        )
    return (
        f"its law f(g·x) = g·f(x) does not hold for the fields it declares, {call.module.in_field.rep} to "
        f"{call.module.out_field.rep}",
        "compare its forward pass with its fields: weights, masks and order of channels must commute with ρ",
    )


def _other_size(module: EquivariantModule, shape: tuple[int, ...]) -> str:
    good = [n for n in range(max(1, shape[-1] - 4), shape[-1] + 5) if module.exact_when((n,) * len(shape))[0]]
    if not good:
        return "use stride 1 and an anti-aliased pooling layer"
    nearest = sorted(good, key=lambda n: abs(n - shape[-1]))[:2]
    sizes_that_work = " or ".join(map(str, sorted(nearest)))
    return f"give it an input of size {sizes_that_work}, or use stride 1 and an anti-aliased pooling layer"


def _moved(b: Tensor, carry: Carrier, action: Action, rep: Representation) -> bool:
    try:
        turned = rep.apply(carry.element(action), b[None])
    except UnknownAction:
        return False
    return bool((turned - b[None]).norm() > 1e-4 * b.norm().clamp_min(1e-30))


def _flatten(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    x, y = call.main_input, tensor_of(call.output)
    if x is not None and carry.lives_on_domain(x) and carry.on is None and y.ndim == 2:
        if isinstance(call.module, nn.Flatten) or y.shape[1] == prod(x.shape[1:]):
            return f"{FLATTEN[0]} (the map still has {by(sizes(x))} positions)", FLATTEN[1]
    return None


def _recurrent(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    if isinstance(call.module, nn.RNNBase) or (
        carry.on is not None and any(isinstance(m, nn.RNNBase) for m in call.module.modules())
    ):
        return (
            RECURRENT
            if carry.on is not None
            else (f"{call.type} reads positions in order", "use a layer that sees all directions alike")
        )
    return None


def _positional(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """Parameters with an axis for the place: position embeddings, affine layer norms over space."""
    x = call.main_input
    found = _place_parameter(call.module, sizes(x), carry)
    if found is None or isinstance(call.module, (*CONVS, *TRANSPOSED, nn.Linear, nn.MultiheadAttention)):
        return None
    if isinstance(call.module, nn.LayerNorm):
        return (
            f"layer norm has a separate weight at every position ({found})",
            "normalise over channels only, or elementwise_affine=False",
        )
    return (
        f"{found} has its own value at every position, so features know where they are",
        "drop it, or make it symmetric (the same value at all positions that the group exchanges)",
    )


def _place_parameter(module: nn.Module, shape: tuple[int, ...], carry: Carrier) -> str | None:
    named = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    for name, p in named:
        if carry.on is not None:
            if p.ndim >= 2 and any(n in p.shape[:2] for n in (carry.rows, carry.nodes()) if n is not None and n > 1):
                return f"{name!r} {list(p.shape)}"
        elif shape and max(shape) > 1 and tuple(p.shape[-len(shape) :]) == shape:
            return f"{name!r} {list(p.shape)}"
        elif shape and max(shape) > 1 and p.ndim >= 2 and prod(shape) in p.shape:
            return f"{name!r} {list(p.shape)}"
    return None


def _weights(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """Filters, and vectors added to channels, that a layer of the user's own holds and the group moves."""
    x, d = call.main_input, len(sizes(call.main_input))
    if carry.on is not None or action is None or isinstance(call.module, EquivariantModule) or x is None:
        return None
    for name, p in (*call.module.named_parameters(recurse=False), *call.module.named_buffers(recurse=False)):
        if p.ndim == 1 and call.in_rep is not None and len(p) == call.in_rep.size and x.ndim == 2:
            if p.is_floating_point() and _moved(p, carry, action, call.in_rep):
                return (
                    f"{name!r} {list(p.shape)} is not invariant: ρ(g) b ≠ b on {call.in_rep}",
                    "drop it, or restrict it to the invariant vectors of the representation",
                )
        if (
            d
            and p.ndim >= d
            and 1 < max(p.shape[-d:])
            and all(k <= n for k, n in zip(p.shape[-d:], sizes(x), strict=True))
        ):
            filters = p.detach().reshape(-1, 1, *p.shape[-d:])
            turned = action.move(filters, None)
            share = 2.0 if turned.shape != filters.shape else float((turned - filters).norm() / filters.norm())
            if share > 1e-4:
                return (
                    f"its filters {name!r} {list(p.shape)} change by {share:.0%} under {action.label}",
                    "make them symmetric under the group; resample voxels or pixels of unequal sides first",
                )
    return None


def _field_of_plain_layer(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """An ordinary layer that is fed channels which the group moves."""
    rep = call.in_rep
    if rep is None or rep.is_trivial or isinstance(call.module, (*CONVS, *TRANSPOSED)):
        return None
    if isinstance(call.module, (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)):
        return (
            f"{call.type} treats the channels of one field of {rep} separately, but the group exchanges them",
            "use the norm of the field, Space.norm(field), which shares statistics and weights within a copy",
        )
    if isinstance(call.module, nn.Linear):
        return (
            f"an ordinary linear layer weighs the channels of {rep} differently, but the group exchanges them",
            "pool over the group before it, or use an equivariant linear layer",
        )
    if type(call.module).__module__.startswith("torch.nn.modules.activation") and not rep.is_permutation:
        return f"a pointwise nonlinearity does not commute with {rep}", "use a norm or gate nonlinearity"
    return None


def _shift(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """Border, stride and windows, where the motion is a shift."""
    return shift_reason(call) if action is not None and action.family == "translation" else None


def _nodes(call: Call, carry: Carrier, action: Action | None) -> Reason | None:
    """Anything else on a graph."""
    return ORDER if carry.on is not None else None


def _code_reason(model: nn.Module, row: Row, carry: Carrier) -> Reason:
    """Code in `forward` between layers: a layer not measured, a parameter of the module around, a change of shape."""
    before, after = row.before, row.after
    if before is not None:  # a layer on whose output no action is known shows up in the code after it
        found = _recurrent(before, carry, None)
        if found is not None:
            return found
        if isinstance(before.module, EquivariantModule) and before.unknown is not None:
            own = before.module.in_field.group
            return (
                f"the layers are declared for {own}, not for {carry.group}: nothing keeps the other elements",
                f"audit it under {own}, or derive it for {carry.group}",
            )
    shape = _shape_before(before, after)
    for owner in _enclosing(model, before, after):
        found = _place_parameter(owner, shape, carry)
        if found is not None:
            return (
                f"the position embedding {found} of {type(owner).__name__} tells features where they are",
                "drop it, or make it symmetric (the same value at all positions that the group exchanges)",
            )
    if carry.on is not None:
        return f"code in forward: {ORDER[0]}", ORDER[1]
    x = after.main_input if after is not None else None
    if before is not None and x is not None:
        y = tensor_of(before.output)
        if carry.lives_on_domain(y) and x.ndim == 2 and x.shape[1] == prod(y.shape[1:]):
            return f"code in forward: {FLATTEN[0]} (the map still has {by(sizes(y))} positions)", FLATTEN[1]
        if sizes(y) != sizes(x):
            return (
                f"code in forward takes the map from {by(sizes(y))} to {by(sizes(x)) or 'a vector'} unsymmetrically",
                "pool or resample symmetrically about the centre",
            )
    return (
        "code in forward between the layers does not commute with the action",
        "write it with equivariant operations only",
    )


def _shape_before(before: Call | None, after: Call | None) -> tuple[int, ...]:
    if before is not None and before.unknown is None:
        return sizes(tensor_of(before.output))
    return sizes(after.main_input) if after is not None else ()


def _enclosing(model: nn.Module, before: Call | None, after: Call | None) -> list[nn.Module]:
    """The modules in whose forward the code between two layers may stand, innermost first."""
    found: list[nn.Module] = []
    model = opened(model) or model
    for call in (after, before):
        path = call.path.split(".") if call is not None else []
        for n in range(len(path) - 1, -1, -1):
            try:
                owner = model.get_submodule(".".join(path[:n]))
            except AttributeError:
                continue
            if owner not in found:
                found.append(owner)
    return found or [model]
