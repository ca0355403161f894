"""What an audit tries the network on: samples of the data, in chunks, with labels where there are any."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from erlangen.audit.adapted import adapted, has_compiled, name_of
from erlangen.audit.carry import UnknownAction, main_output
from erlangen.blueprint import EquivariantModule, Field, Signal, check_channels
from erlangen.blueprint.mode import evaluating
from erlangen.errors import DataError, ErlangenError, FieldError
from erlangen.graphs import Graphs
from erlangen.graphs.interop import from_pyg
from erlangen.point import Point


@dataclass(frozen=True)
class Chunk:
    """Samples that go through the network together.

    Args:
        signal: [B, C, *spatial] or a `Signal`.
        targets: labels, if known; -1 is left out.
        first: number of the first sample.
    """

    signal: Any
    targets: Tensor | None
    first: int


@dataclass(frozen=True)
class Probe:
    """The samples of an audit.

    Args:
        chunks: all samples, in chunks of bounded size.
        half: the first half of the first chunk, to see whether samples depend on their company; None if there is none.
        source: where the samples come from, in words.
        numbers: position in the data set of every sample; None if the signal was given as it is.
    """

    chunks: tuple[Chunk, ...]
    half: Any
    source: str
    numbers: tuple[int, ...] | None


LOADED = 256  # samples taken from a loader
LARGEST = 1 << 20  # points of all examples together, where examples differ in size


def probe_from(data: Any, samples: int, seed: int, dtype: torch.dtype, batch_size: int = 128) -> Probe:
    """Choose samples, without replacement and by seed.

    Args:
        data: a data set (its test split is used), a split, a batch [B, C, *spatial], or a `Signal`.
        samples: at most this many; a graph given as one signal is always whole.
        seed: of the choice.
        dtype: floating type of the samples.
        batch_size: samples a chunk, which bounds the memory.

    Raises:
        DataError: there are no samples.
        FieldError: the data are of no known kind.
    """
    if samples < 1:
        raise FieldError(f"an audit needs at least one sample, got samples={samples}")
    if not dtype.is_floating_point:
        raise FieldError(f"errors are measured in real numbers, not in {dtype}. Fix: dtype=torch.float32 or float64")
    data = as_signal(data)
    generator = torch.Generator().manual_seed(seed)
    if isinstance(data, Signal):
        if len(data.x) == 0:
            raise DataError("the signal to audit on has no points; give at least one")
        return Probe((Chunk(cast(data, dtype), None, 0),), None, "the given signal", None)
    if isinstance(data, Tensor):
        if len(data) == 0:
            raise DataError("the batch to audit on is empty; give at least one sample")
        picked = torch.randperm(len(data), generator=generator)[:samples].sort().values
        x = cast(data[picked], dtype)
        parts = x.split(batch_size)
        chunks = tuple(Chunk(part, None, i * batch_size) for i, part in enumerate(parts))
        return Probe(chunks, _half(parts[0]), "the given batch", tuple(picked.tolist()))
    split = getattr(data, "test", data)
    if not hasattr(split, "batch") or not hasattr(split, "__len__"):
        raise FieldError(
            f"cannot audit on a {type(data).__name__}. Fix: give a data set, a split, a batch [B, C, *spatial], "
            f"a tuple or mapping of batches, a Signal or torch-geometric data."
        )
    name = getattr(data, "name", "the given split")
    source = f"{name}, test split" if split is not data else str(name)
    return _from_split(split, source, samples, generator, dtype, batch_size)


def _from_split(
    split: Any, source: str, samples: int, generator: torch.Generator, dtype: torch.dtype, batch_size: int
) -> Probe:
    if len(split) == 0:
        raise DataError(f"{source} has no samples to audit on; give another split")
    if hasattr(split, "cubes"):  # examples of different sizes: all of one size, and no more than memory holds
        split = split.cubes()
        side = tuple(split.batch([0])[1].shape[1:])
        samples = batch_size = min(samples, max(2, LARGEST // prod(side)))
        source += f", padded to {'×'.join(map(str, side))}"
    picked = torch.randperm(len(split), generator=generator)[:samples].sort().values
    signal, targets = split.batch(picked[:batch_size])
    if isinstance(signal, Signal):  # a batch of graphs is one signal: actions permute all its nodes at once
        if len(picked) > batch_size:
            signal, targets = split.batch(picked)
        half = cast(split.batch(picked[: len(picked) // 2])[0], dtype) if len(picked) > 1 else None
        return Probe((Chunk(cast(signal, dtype), targets, 0),), half, source, tuple(picked.tolist()))
    chunks = [Chunk(cast(signal, dtype), targets, 0)]
    for first in range(batch_size, len(picked), batch_size):
        signal, targets = split.batch(picked[first : first + batch_size])
        chunks.append(Chunk(cast(signal, dtype), targets, first))
    return Probe(tuple(chunks), _half(chunks[0].signal), source, tuple(picked.tolist()))


def as_signal(data: Any) -> Any:
    """Torch-geometric data, one or a list of them, as a `Signal`; anything else as it is.

    Of a loader the first batches are taken, at least 256 samples if it has as many.
    """
    if isinstance(data, torch.utils.data.DataLoader):
        data = _from_loader(data)
    several = isinstance(data, (list, tuple)) and len(data) > 0
    first = data[0] if several else data
    if not any(b.__module__.startswith("torch_geometric.data") for b in type(first).__mro__):
        return data
    if several:
        from torch_geometric.data import Batch

        data = Batch.from_data_list(list(data))
    return from_pyg(data)


def _from_loader(loader: Any) -> Any:
    """Batches of a loader, one after the other, as one batch of the same structure."""
    found, count = [], 0
    for batch in loader:
        found.append(batch)
        leaf = next(iter(tree_leaves(batch)), None)
        if not isinstance(leaf, Tensor):
            return batch
        count += len(leaf)
        if count >= LOADED:
            break
    if not found:
        raise DataError("the loader gives no batches to audit on")
    return tree_map(lambda *parts: torch.cat(parts) if isinstance(parts[0], Tensor) else parts[0], *found)


def _half(x: Tensor) -> Tensor | None:
    return x[: len(x) // 2] if len(x) > 1 else None


def cast(signal: Any, dtype: torch.dtype) -> Any:
    """The same signal in another floating type."""
    if isinstance(signal, Signal):
        on = signal.on
        weight = getattr(on, "weight", None)
        if isinstance(weight, Tensor) and weight.dtype != dtype and hasattr(on, "to"):
            on = on.to(dtype)
        return Signal(signal.x.to(dtype), on)
    return signal.to(dtype)


def fields_of(model: Any, data: Any, in_field: Field | None, out_field: Field | None) -> tuple[Field, Field | None]:
    """The declared fields: as given, else the model's own, else (for the input) the data set's.

    Raises:
        FieldError: nothing says what the input is.
    """
    if isinstance(model, EquivariantModule):
        in_field = in_field or model.in_field
        out_field = out_field or model.out_field
    if in_field is None and hasattr(data, "field") and callable(data.field):
        in_field = data.field()
    signal = as_signal(data) if in_field is None else None
    if isinstance(signal, Signal):  # no other group acts on every graph
        in_field = Graphs().field(None, signal.x.shape[1])
    if in_field is None:
        raise FieldError(
            f"{name_of(model)} does not say which symmetry it should have. Fix: give in_field, such as "
            f"in_field=Grid(2).field('C4', '1 trivial'), or audit it on a data set of the catalogue."
        )
    return in_field, out_field


def guess_out_field(output: Any, in_field: Field, carry: Any) -> tuple[Field, str]:
    """The usual action on an output nobody declared, and that assumption in words: vectors stay, maps move.

    Args:
        output: what the network gave.
        in_field: the declared input.
        carry: the `Carrier` of the input.
    """
    x = output.x if isinstance(output, Signal) else output
    channels = x.shape[1] if x.ndim > 1 else 1
    rep = channels * in_field.group.trivial
    if carry.lives_on_domain(output):
        return Field(
            getattr(in_field.space, "led", in_field.space), rep
        ), f"the output is a map of {channels} trivial channels that moves with the input"
    if carry.on is not None and len(x) == getattr(carry.on, "num_edges", None) != carry.graphs:
        return Field(Point(), rep), f"the output is {channels} trivial channel{'s' if channels != 1 else ''} an edge"
    return Field(Point(), rep), f"the output is {channels} invariant number{'s' if channels != 1 else ''} a sample"


def check_input(field: Field, signal: Any) -> None:
    """Raise a `FieldError` if the samples do not have the declared channels or axes."""
    x = signal.x if isinstance(signal, Signal) else signal
    graphs = isinstance(field.space, Graphs)
    if graphs != isinstance(signal, Signal):
        kind = "a Signal(x, graph)" if graphs else "tensors [B, C, …]"
        raise FieldError(f"in_field lives on {field.space}, whose signals are {kind}, got a {type(signal).__name__}")
    if x.ndim < 2:
        raise FieldError(
            f"an audit needs samples [B, C, …], got a tensor of shape {list(x.shape)}; add a batch dimension"
        )
    axes = getattr(field.space, "d", 0)
    if x.ndim < 2 + axes:
        raise FieldError(
            f"{field.space} has {axes} axes, so samples are [B, C, …] with at least {2 + axes} axes, got shape "
            f"{list(x.shape)}. Fix: declare the space that the samples live on, or reshape them"
        )
    check_channels(field, x.shape[1], "the audited network")
    if misfit := field.space.misfit(signal):
        raise FieldError(misfit)


def forward(model: nn.Module, signal: Any, where: str = "") -> Any:
    """The main output of the network.

    Raises:
        FieldError: the network failed, or gave nothing that can be compared.
    """
    try:
        return main_output(model(signal))
    except UnknownAction as error:
        raise FieldError(f"{name_of(model)}: {error}. Fix: return a tensor or a Signal.") from error
    except ErlangenError:
        raise
    except Exception as error:
        x = signal.x if isinstance(signal, Signal) else signal
        moved = f" moved by {where}" if where else ""
        raise FieldError(
            f"{name_of(model)} failed on an input of shape {list(x.shape)}{moved}: "
            f"{type(error).__name__}: {error}. Fix: {_fix_of(error, x.dtype)}"
        ) from error


def _fix_of(error: Exception, dtype: torch.dtype) -> str:
    """What to do about an error that a model raised."""
    text = str(error)
    if any(words in text for words in ("dtype", "scalar type", "same type")):
        if any(words in text for words in ("Long", "Int", "indices", "long", "int")):
            return "the model wants whole numbers where audits give real ones: one-hot channels, or convert them inside"
        return f"the model works in a type of its own; audit in that, dtype=…, instead of {dtype}"
    return "make sure that model(x) works on this input, and that in_field says what it takes."


@contextmanager
def quiet(model: Any, dtype: torch.dtype) -> Iterator[nn.Module]:
    """The model in evaluation mode and in one floating type, without gradients or autocast; all as before afterwards.

    A model of another type is copied first, so that its own parameters are never touched. What is called otherwise
    than `model(signal)` is wrapped (see `adapted`); compiled modules run as the modules they were compiled from.
    """
    model = adapted(model)
    types = {p.dtype for p in (*model.parameters(), *model.buffers()) if p.is_floating_point()}
    if types - {dtype}:
        model = copy.deepcopy(model).to(dtype)
    eager = torch.compiler.set_stance("force_eager") if has_compiled(model) else nullcontext()
    with evaluating(model), torch.no_grad(), torch.autocast("cpu", enabled=False), eager:
        yield model


def describe_samples(numbers: Sequence[int] | None, count: int) -> str:
    """How many samples, in words: those of a data set, or the rows (nodes, images) of one given signal."""
    own = numbers is not None and len(numbers) == count
    return f"{count:,} samples" if own else f"{count:,} row{'s' if count != 1 else ''} of one signal"
