"""One clean forward pass, every layer's input and output kept, and what is known about their channels."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.adapted import opened
from erlangen.audit.carry import Carrier, UnknownAction, tensor_of
from erlangen.audit.parts import mapped
from erlangen.audit.probe import forward
from erlangen.blueprint import EquivariantModule, Signal
from erlangen.symmetry import Representation

WHOLE = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.RNNBase)  # their children are not called one by one
KEEP_CHANNELS = (
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd,
    nn.modules.batchnorm._NormBase,
    nn.modules.dropout._DropoutNd,
    nn.modules.padding._ConstantPadNd,
    nn.modules.padding._ReflectionPadNd,
    nn.modules.padding._ReplicationPadNd,
)


@dataclass
class Call:
    """One call of one layer in the clean pass.

    Args:
        path: where the layer lies in the model.
        module: the layer.
        args: its positional inputs, copied.
        kwargs: its named inputs, copied.
        output: its output, copied.
        in_rep: representation of the input channels; None for trivial channels.
        out_rep: representation of the output channels.
        known: why the action is unknown, else None.
        guessed: whether the representations are an assumption (a plain torch layer).
    """

    path: str
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any
    in_rep: Representation | None = None
    out_rep: Representation | None = None
    unknown: str | None = None
    guessed: bool = True
    _identity: tuple[int, int] = (0, 0)
    _alive: Any = dataclass_field(default=None, repr=False)

    @property
    def type(self) -> str:
        """Name of the layer's class."""
        return type(self.module).__name__

    @property
    def main_input(self) -> Tensor | None:
        """The first tensor among the inputs."""
        try:
            return tensor_of((*self.args, *self.kwargs.values()))
        except UnknownAction:
            return None


def layers_of(model: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """(path, layer) of every leaf: the rows of an equivariant module's plan, and modules without children elsewhere."""
    seen = opened(model)
    if seen is not model:
        yield from () if seen is None else layers_of(seen, path)
        return
    if isinstance(model, EquivariantModule):
        for tail, leaf in model.leaves():
            where = f"{path}.{tail}".strip(".")
            if leaf is model:
                yield path, model
            else:
                yield from layers_of(leaf, where)
        return
    children = list(model.named_children())
    if not children or isinstance(model, (*WHOLE, torch.jit.ScriptModule)) or _passes_messages(model):
        yield path, model
        return
    for name, child in children:
        yield from layers_of(child, f"{path}.{name}".strip("."))


def _passes_messages(model: nn.Module) -> bool:
    """Whether it is a torch-geometric layer, whose parts see one row an edge."""
    bases = {f"{b.__module__.partition('.')[0]}.{b.__name__}" for b in type(model).__mro__}
    return bool(bases & {"torch_geometric.MessagePassing", "torch_geometric.Aggregation"})


def copied(value: Any) -> Any:
    """Tensors are cloned, since a later layer may work in place; everything else is kept."""
    if isinstance(value, Signal):
        return Signal(value.x.clone(), value.on)
    if isinstance(value, Tensor):
        return value.clone()
    return mapped(value, copied)


def record(
    model: nn.Module,
    signal: Any,
    carry: Carrier,
    in_rep: Representation | None = None,
    out_rep: Representation | None = None,
) -> tuple[list[Call], Any]:
    """Run once and keep every layer's input and output.

    Args:
        model: in evaluation mode.
        signal: the input.
        carry: tells what is a map on the domain.
        in_rep: representation of the channels of the signal, which the first plain layer is fed; None: trivial.
        out_rep: representation of the network's output, where a plain layer gives it; None: as its input.

    Returns:
        The calls in order of execution (a layer used twice is two calls), and the network's output.
    """
    calls: list[Call] = []
    pending: dict[int, tuple[Any, Any, int]] = {}
    handles = []
    seen: set[int] = set()
    for path, module in layers_of(model):
        if id(module) in seen:
            continue
        seen.add(id(module))

        def before(module: nn.Module, args: Any, kwargs: Any) -> None:
            pending[id(module)] = (copied(args), copied(kwargs), _identity((*args, *kwargs.values())))

        def after(module: nn.Module, args: Any, kwargs: Any, output: Any, path: str = path) -> None:
            kept_args, kept_kwargs, came_in = pending.pop(id(module))
            call = Call(path or "model", module, kept_args, kept_kwargs, copied(output))
            call._identity, call._alive = (came_in, _identity(output)), (args, kwargs, output)
            calls.append(call)

        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        output = forward(model, signal)
    finally:
        for handle in handles:
            handle.remove()
    wanted: dict[int, Representation | None] = {} if out_rep is None else {_identity(output): out_rep}
    _name_representations(calls, carry, {_identity(signal): in_rep}, wanted)
    for call in calls:
        call._alive = None
    return calls, copied(output)


def _identity(value: Any) -> int:
    try:
        return id(tensor_of(value))
    except UnknownAction:
        return 0


def _name_representations(
    calls: list[Call],
    carry: Carrier,
    made: dict[int, Representation | None],
    wanted: dict[int, Representation | None],
) -> None:
    """Declared fields first; a plain layer takes the channels it is fed, and hands on those its consumer declares.

    `made` holds what is known of tensors by identity, at first that of the signal; `wanted` what their users declare,
    at first that of the network's output.
    """
    for call in calls:
        if isinstance(call.module, EquivariantModule):
            call.guessed = False
            try:
                call.in_rep, call.out_rep = carry.rep_of(call.module.in_field), carry.rep_of(call.module.out_field)
                wanted[call._identity[0]] = call.in_rep
            except UnknownAction as error:
                call.unknown = str(error)
    latest: dict[int, Representation | None] = {}
    for call, after in zip(calls, [*calls, None][1:], strict=True):
        if call.guessed and call.main_input is not None:
            came, went = call._identity
            call.in_rep = _fitting(made.get(came, latest.get(_channels(call.main_input))), call.main_input)
            otherwise = call.in_rep if _keeps_channels(call) else _declared_next(after)
            call.out_rep = _fitting(wanted.get(went, otherwise), call.output)
        if call.unknown is None:
            made[call._identity[1]] = call.out_rep
            if call.out_rep is not None:
                latest[call.out_rep.size] = call.out_rep


def _declared_next(after: Call | None) -> Representation | None:
    """What the next layer declares, if it declares anything: code between them may keep the channels as they are."""
    return after.in_rep if after is not None and not after.guessed and after.unknown is None else None


def _fitting(rep: Representation | None, value: Any) -> Representation | None:
    """The representation, if it is one of this value's channels."""
    try:
        return rep if rep is not None and rep.size == _channels(tensor_of(value)) else None
    except UnknownAction:
        return None


def _channels(x: Tensor) -> int:
    return x.shape[1] if x.ndim > 1 else 1


def _keeps_channels(call: Call) -> bool:
    try:
        x, y = call.main_input, tensor_of(call.output)
    except UnknownAction:
        return False
    if x is None or x.ndim < 2 or y.ndim < 2 or x.shape[1] != y.shape[1]:
        return False
    same = type(call.module).__module__.startswith("torch.nn.modules.activation")
    return (
        same
        or isinstance(call.module, (*KEEP_CHANNELS, nn.Identity, nn.GroupNorm, nn.Upsample))
        or not _has_weights(call)
    )


def _has_weights(call: Call) -> bool:
    return any(isinstance(p, torch.nn.Parameter) for p in call.module.parameters())
