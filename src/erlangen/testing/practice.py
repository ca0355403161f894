"""Laws of practice: copying, saving, precision, memory formats, vmap, compile, export."""

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, Signal, Space
from erlangen.symmetry import Component, Group, Representation
from erlangen.testing.subject import Finding, Subject, law, relative_error, values, with_values

SAME = 1e-5
BFLOAT16 = 5e-2
DEEP = 8  # layers whose roundings stay within that; those of more add up like independent ones


@law("deepcopy")
def law_deepcopy(subject: Subject) -> str:
    """A deep copy gives the same outputs and shares no parameter."""
    other = copy.deepcopy(subject.module)
    _same(subject, "deepcopy", other)
    mine = {p.data_ptr() for p in subject.module.parameters() if p.numel()}
    if mine & {p.data_ptr() for p in other.parameters() if p.numel()}:
        raise subject.broken("deepcopy", "the copy shares memory with the original")
    return "equal outputs, own memory"


@law("pickle")
def law_pickle(subject: Subject) -> str:
    """Pickled and read back, the module gives the same outputs and has equal fields."""
    other = pickle.loads(pickle.dumps(subject.module))
    _same(subject, "pickle", other)
    if (other.in_field, other.out_field) != (subject.module.in_field, subject.module.out_field):
        raise subject.broken("pickle", "the fields differ after reading back")
    return "equal outputs and fields"


@law("state_dict")
def law_state_dict(subject: Subject) -> str:
    """One state_dict: the same keys in training and evaluation; loaded strictly, either way, it gives equal outputs."""
    train, evaluate = subject.fresh().train(), subject.fresh()
    with torch.no_grad():
        train(subject.signal(batch=4)), evaluate(subject.signal())
    if list(train.state_dict()) != list(evaluate.state_dict()):
        only = set(train.state_dict()) ^ set(evaluate.state_dict())
        raise subject.broken("state_dict", f"keys differ between training and evaluation: {sorted(only)}")
    strange = [key for key in train.state_dict() if any(c in key for c in "()[]{}<>, '")]
    if strange:
        raise subject.broken("state_dict", f"keys are made of Python reprs: {strange[:3]}")
    x = subject.signal(offset=2)
    with torch.no_grad():
        other = _scrambled(subject).state_dict()
        for source in (train, evaluate):  # back from other numbers, in either mode
            want = copy.deepcopy(source).eval()(x)
            for training in (False, True):
                _loads(subject, _scrambled(subject).train(training), source.state_dict(), want, x)
        fresh = subject.fresh().train()
        fresh.load_state_dict(copy.deepcopy(other), strict=True)
        _loads(subject, subject.fresh(), other, fresh.eval()(x), x)
        if list(fresh.parameters()) and torch.equal(values(fresh(x)), values(subject.module(x))):
            raise subject.broken("state_dict", "other numbers were loaded, and the outputs stayed the same")
    return f"{len(other)} keys"


def _loads(subject: Subject, target: EquivariantModule, state: dict[str, Any], want: Any, x: Any) -> None:
    """Load into a module that has already run, so that whatever it caches is filled, and compare in evaluation mode."""
    mode = "training" if target.training else "evaluation"
    if not target.training:
        target(x)
    target.load_state_dict(copy.deepcopy(state), strict=True)
    error = relative_error(target.eval()(x), want)
    if not error <= 1e-6:
        raise subject.broken("state_dict", f"loaded in {mode} mode, the outputs differ by {error:.1e}")


def _scrambled(subject: Subject) -> EquivariantModule:
    """A copy with other parameters and buffers, as a newly built module has."""
    other = subject.fresh()
    with torch.no_grad():
        for tensor in other.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)
    return other


@law("bfloat16 autocast")
def law_autocast(subject: Subject) -> Finding:
    """Under bfloat16 autocast the output stays within 5e-2 √(layers/8), at least 5e-2 (root mean square)."""
    x = subject.signal()
    with torch.no_grad():
        want = subject.module(x)
        with torch.autocast(values(x).device.type, torch.bfloat16):
            got = subject.module(x)
    return subject.limit("bfloat16 autocast", relative_error(got, want, "l2"), _roundings(subject), "against float32")


@law("bfloat16")
def law_bfloat16(subject: Subject) -> Finding:
    """Cast to bfloat16, module and input, the output is bfloat16 and as near to float32's as under autocast."""
    signal = subject.signal()
    with torch.no_grad():
        got = subject.fresh().bfloat16()(with_values(signal, values(signal).bfloat16()))
        want = subject.module(signal)
    if values(got).dtype != torch.bfloat16:
        raise subject.broken("bfloat16", f"bfloat16 in, {values(got).dtype} out")
    return subject.limit("bfloat16", relative_error(got, want, "l2"), _roundings(subject), "against float32")


def _roundings(subject: Subject) -> float:
    layers = sum(1 for _ in subject.module.leaves())
    return BFLOAT16 * max(1.0, layers / DEEP) ** 0.5


@law("memory formats")
def law_memory_formats(subject: Subject) -> Finding:
    """How input and weights lie in memory changes nothing: transposed, strided, repeated, channels_last, any batch."""
    worst, where, tried = 0.0, "", 0
    for shape in subject.shapes:
        for batch in (1, 2):
            x = subject.signal(shape, batch)
            with torch.no_grad():
                want = subject.module(x)
                for name, module, laid_out in _layouts(subject, values(x)):
                    if not torch.equal(laid_out, values(x)):  # repeated rows are other numbers
                        want_here = subject.module(with_values(x, laid_out.contiguous()))
                    else:
                        want_here = want
                    error = relative_error(module(with_values(x, laid_out)), want_here)
                    tried += 1
                    if not error <= worst:
                        worst, where = error, f", worst {name} with a batch of {batch}"
    return subject.limit("memory formats", worst, SAME, f"{tried} layouts{where}")


def _layouts(subject: Subject, x: Tensor) -> Iterator[tuple[str, EquivariantModule, Tensor]]:
    """(name, module, values) of every way that input and weights may lie in memory."""
    yield "transposed", subject.module, x.movedim(0, -1).contiguous().movedim(-1, 0)
    yield "strided", subject.module, torch.stack([x, x], dim=-1)[..., 0]
    if len(x):
        yield "repeated", subject.module, x[:1].expand_as(x)
    last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.ndim)
    if last is not None:
        module = subject.fresh()
        module.to(memory_format=last)  # pyrefly: ignore[no-matching-overload]  # torch's stubs leave memory_format out
        yield "channels_last", subject.module, x.to(memory_format=last)
        yield "channels_last weights", module, x
        yield "channels_last, weights too", module, x.to(memory_format=last)


@law("vmap")
def law_vmap(subject: Subject) -> Finding:
    """`torch.func.vmap` over a leading axis equals a loop, in evaluation mode."""
    module, signal = subject.module, subject.signal()
    stack = torch.randn(3, *values(signal).shape, generator=torch.Generator().manual_seed(subject.seed))
    with torch.no_grad():
        mapped = torch.func.vmap(lambda x: values(module(with_values(signal, x))))(stack)
        loop = torch.stack([values(module(with_values(signal, x))) for x in stack])
    return subject.limit("vmap", relative_error(mapped, loop), SAME, "against a loop over three")


@law("compile")
def law_compile(subject: Subject) -> Finding:
    """`torch.compile(fullgraph=True)` traces the module forward and backward, in both modes, with equal outputs."""
    worst, detail = 0.0, ""
    for training in (False, True):
        signal = subject.signal(batch=4)
        torch._dynamo.reset()
        results = []
        for module in (
            torch.compile(_for(subject, training), fullgraph=True, backend="aot_eager"),
            _for(subject, training),
        ):
            x = values(signal).clone().requires_grad_()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(subject.seed)
                y = values(module(with_values(signal, x)))
            if y.requires_grad:
                (y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).sum().backward()
            results.append((y, torch.zeros(0) if x.grad is None else x.grad))
        (got, got_grad), (want, want_grad) = results
        error = max(relative_error(got, want), relative_error(got_grad, want_grad))
        if not error <= worst:
            worst, detail = error, f", worst in {'training' if training else 'evaluation'}"
    return subject.limit("compile", worst, SAME, f"fullgraph=True, backend aot_eager, both modes{detail}")


def _for(subject: Subject, training: bool) -> EquivariantModule:
    return subject.fresh().train(training)


class _OnOneDomain(nn.Module):
    """A module on a varying domain, with the domain held fixed, as a function of a tensor."""

    def __init__(self, module: nn.Module, on: Any) -> None:
        super().__init__()
        self.module, self.on = module, on

    def forward(self, x: Tensor) -> Tensor:
        return values(self.module(Signal(x, self.on)))


@law("torch.export")
def law_torch_export(subject: Subject) -> Finding:
    """`torch.export.export` captures the module; on a fixed domain, with a batch of any size."""
    signal = subject.signal(batch=3)
    x = values(signal)
    if isinstance(signal, Tensor):
        program = torch.export.export(subject.fresh(), (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},))
        signal = subject.signal(batch=5, offset=1)
        x = values(signal)
    else:
        program = torch.export.export(_OnOneDomain(subject.fresh(), signal.on), (x,))
    with torch.no_grad():
        got, want = program.module()(x), subject.module(signal)
    return subject.limit("torch.export", relative_error(got, want), SAME, "equal outputs")


@law("plain export")
def law_plain(subject: Subject) -> Finding:
    """`module.export()` is plain torch: no module inside knows a representation, and the outputs are equal."""
    module = subject.fresh()
    plain = module.export().eval()
    for path, part in plain.named_modules():
        if isinstance(part, EquivariantModule):
            raise subject.broken("plain export", f"{path or 'the module'} is still a {type(part).__name__}")
        held = [name for name, value in vars(part).items() if _knows(value)]
        if held:
            raise subject.broken("plain export", f"{path or 'the module'} still holds {', '.join(held)}")
    worst, detail = 0.0, ""
    for shape in subject.shapes:
        x = subject.signal(shape, offset=1)
        with torch.no_grad():
            error = relative_error(plain(x), subject.module(x))
        if not error <= worst:
            worst, detail = error, "" if shape is None else f"worst at {'×'.join(map(str, shape))}"
    _same(subject, "plain export", module)
    return subject.limit("plain export", worst, SAME, detail or "equal outputs")


def _knows(value: Any) -> bool:
    if isinstance(value, (tuple, list)) and not isinstance(value, Signal):
        return any(_knows(v) for v in value)
    return isinstance(value, (Field, Representation, Component, Group, Space))


def _same(subject: Subject, name: str, other: nn.Module) -> None:
    x = subject.signal(offset=3)
    with torch.no_grad():
        got, want = values(other(x)), values(subject.module(x))
    if not torch.equal(got, want):
        raise subject.broken(name, f"outputs differ by {relative_error(got, want):.1e}")
