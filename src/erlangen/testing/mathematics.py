"""Laws of mathematics: symmetry, shapes, free parameters, derivatives, empty and zero inputs."""

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.modules.dropout import _DropoutNd

from erlangen.blueprint import EquivariantModule, Signal
from erlangen.symmetry import Representation
from erlangen.testing.subject import Finding, NotApplicable, Subject, law, relative_error, values, with_values

FLOAT32, FLOAT64 = 1e-5, 1e-12


@law("output")
def law_output(subject: Subject) -> str:
    """The output has the announced channels and size, is finite, leaves the input alone; no channel is constant."""
    module = subject.module
    for shape in subject.shapes:
        x = subject.signal(shape)
        before = values(x).clone()
        with torch.no_grad():
            y, other = values(module(x)), values(module(with_values(x, torch.randn_like(before))))
        if not torch.equal(values(x), before):
            raise subject.broken("output", "the input was changed in place")
        if y.shape[1] != module.out_field.size:
            raise subject.broken("output", f"{y.shape[1]} channels, but out_field = {module.out_field}")
        if shape is not None and tuple(y.shape[2:]) != tuple(module.out_shape(shape)):
            raise subject.broken(
                "output", f"size {tuple(y.shape[2:])}, out_shape{shape} says {module.out_shape(shape)}"
            )
        if not y.isfinite().all():
            raise subject.broken("output", "infinite or NaN values from white noise")
        if y.shape == other.shape and (silent := _silent(y, other, module.out_field.rep)):
            raise subject.broken("output", f"two different inputs give the same output in {silent}: a silent zero")
        if y.dtype != values(x).dtype:
            raise subject.broken("output", f"{values(x).dtype} in, {y.dtype} out")
    return "sizes " + ", ".join("×".join(map(str, s)) if s else "sampled" for s in subject.shapes)


def _silent(y: Tensor, other: Tensor, rep: Representation) -> str:
    """Which channels do not differ, where a whole block that the group never mixes with others does not."""
    same = (y == other).movedim(1, 0).flatten(1).all(1)
    if same.all():
        return "every channel"
    silent = []
    for start, component in rep.copies():
        for block in component.blocks:
            if same[start : start + block.size].all():
                silent += list(range(start, start + block.size))
            start += block.size
    return f"channels {silent}" if silent else ""


@law("equivariance in float32")
def law_float32(subject: Subject) -> Finding:
    """f(g·x) = g·f(x) to 1e-5 for generators and sampled elements, at every accepted size."""
    return _equivariance(subject, "equivariance in float32", torch.float32, FLOAT32)


@law("equivariance in float64")
def law_float64(subject: Subject) -> Finding:
    """f(g·x) = g·f(x) to 1e-12 for generators and sampled elements, at every accepted size."""
    return _equivariance(subject, "equivariance in float64", torch.float64, FLOAT64)


def _equivariance(subject: Subject, name: str, dtype: torch.dtype, limit: float) -> Finding:
    module = subject.fresh().to(dtype)
    worst, witness, tried = 0.0, "no rounding at all", 0
    for shape in subject.shapes:
        for batch in (2,) if shape is not None else (1, 3):  # a varying domain has no sizes to try, so try batches
            x = subject.signal(shape, batch, dtype)
            with torch.no_grad():
                y = module(x)
                for g in subject.motions(x):
                    error = relative_error(module(g.on_input(x)), g.on_output(y))
                    tried += 1
                    if not error <= worst:
                        where = f"a batch of {batch}" if shape is None else "×".join(map(str, shape))
                        worst, witness = error, f"worst under {g.label}" + (f" at {where}" if where else "")
            if values(y).dtype != dtype:
                raise subject.broken(name, f"{dtype} in, {values(y).dtype} out")
    return subject.limit(name, worst, limit, f"{witness}, {tried} tried")


@law("equivariance in training")
def law_training(subject: Subject) -> Finding:
    """f(g·x) = g·f(x) to 1e-5 with batch statistics and without dropout, when every example moves alike."""
    name = "equivariance in training"
    x = subject.signal(batch=4)
    y, again = (_train(subject, x, seed) for seed in (0, 1))
    if not torch.equal(values(y), values(again)):
        raise NotApplicable("random in training, even without dropout")
    worst, witness = 0.0, "no rounding at all"
    for g in subject.motions(x, 2):
        error = relative_error(_train(subject, g.on_input(x), 0), g.on_output(y))
        if not error <= worst:
            worst, witness = error, f"worst under {g.label}"
    return subject.limit(name, worst, FLOAT32, witness)


def _train(subject: Subject, x: "Tensor | Signal", seed: int) -> "Tensor | Signal":
    module = _without_dropout(subject.fresh()).train()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return module(x)


def _without_dropout(module: EquivariantModule) -> EquivariantModule:
    """The module with nothing dropped: masks are drawn anew for a moved input, which says nothing about the layer."""
    for part in module.modules():
        if isinstance(part, _DropoutNd):
            part.p = 0.0
        elif isinstance(vars(part).get("dropout"), float):
            setattr(part, "dropout", 0.0)  # noqa: B010  # a number, not a module
    return module


@law("gradients")
def law_gradients(subject: Subject) -> str:
    """Derivatives with respect to the input and every parameter agree with finite differences, in float64."""
    modes = []
    for training in (False, True):
        if training and _is_random(subject):
            continue
        failures = []
        for attempt in range(3):  # differences may straddle the kink of a ReLU; a wrong derivative fails each time
            try:
                _gradcheck(subject, training, attempt)
                break
            except RuntimeError as error:
                failures.append(error)
        else:
            mode = "training" if training else "evaluation"
            raise subject.broken("gradients", f"in {mode} mode: {str(failures[-1])[:300]}") from failures[-1]
        modes.append("training" if training else "evaluation")
    return f"input and parameters, in {' and '.join(modes)} mode"


def _is_random(subject: Subject) -> bool:
    x = subject.signal(batch=4)
    return not torch.equal(*(values(_train(subject, x, seed)) for seed in (0, 1)))


def _gradcheck(subject: Subject, training: bool, attempt: int) -> None:
    module = _without_dropout(subject.fresh()).double().train(training)
    signal = subject.signal(dtype=torch.float64, offset=attempt)
    names = [name for name, p in module.named_parameters() if p.requires_grad]
    state = dict(module.named_parameters())

    def function(x: Tensor, *parameters: Tensor) -> Tensor:
        replaced = dict(zip(names, parameters, strict=True))
        buffers = {name: b.clone() for name, b in module.named_buffers()}  # batch statistics may be written
        return values(functional_call(module, {**replaced, **buffers}, (with_values(signal, x),)))

    inputs = (values(signal).clone(), *(state[name].detach().clone() for name in names))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(attempt)  # of the random directions of the fast mode
        torch.autograd.gradcheck(function, [t.requires_grad_() for t in inputs], fast_mode=True, atol=1e-6, rtol=1e-3)


@law("batch")
def law_batch(subject: Subject) -> Finding:
    """In evaluation an example does not see its neighbours, and the same input gives the same output."""
    x = subject.signal(batch=3)
    if isinstance(x, Tensor):
        parts = [x[i : i + 1] for i in range(3)]
    elif hasattr(x.on, "unbatch"):
        graphs = x.on.unbatch()
        sizes = [graph.num_nodes for graph in graphs]
        parts = [Signal(rows, graph) for rows, graph in zip(x.x.split(sizes), graphs, strict=True)]
    else:
        raise NotApplicable(f"a batch of {type(x.on).__name__} has no examples to take apart")
    with torch.no_grad():
        whole = values(subject.module(x))
        if not torch.equal(whole, values(subject.module(x))):
            raise subject.broken("batch", "the same input twice gives two outputs in evaluation mode")
        alone = torch.cat([values(subject.module(part)) for part in parts])
    return subject.limit("batch", relative_error(alone, whole), FLOAT32, "three examples alone and together")


@law("empty batch")
def law_empty(subject: Subject) -> str:
    """No examples in, no examples out; an empty domain gives finite values."""
    x = subject.signal(batch=0)
    with torch.no_grad():
        y = values(subject.module(x))
        full = values(subject.module(subject.signal()))
    if (isinstance(x, Tensor) and y.shape[0] != 0) or y.shape[1] != full.shape[1]:
        raise subject.broken("empty batch", f"an empty batch gives a tensor of shape {tuple(y.shape)}")
    if not y.isfinite().all():
        raise subject.broken("empty batch", "an empty domain gives NaN or infinity")
    return f"gives {tuple(y.shape)}"


@law("zeros")
def law_zeros(subject: Subject) -> str:
    """A zero input gives finite outputs and finite derivatives, in training and evaluation."""
    for training in (False, True):
        module = subject.fresh().train(training)
        signal = subject.signal()
        x = torch.zeros_like(values(signal)).requires_grad_()
        y = values(module(with_values(signal, x)))
        y.sum().backward()
        mode = "training" if training else "evaluation"
        if not y.isfinite().all():
            raise subject.broken("zeros", f"zero in, NaN or infinity out in {mode}")
        derivatives = {"input": x.grad, **{name: p.grad for name, p in module.named_parameters()}}
        for name, grad in derivatives.items():
            if grad is not None and not grad.isfinite().all():
                raise subject.broken("zeros", f"the derivative by {name} is NaN or infinite at zero in {mode}")
    return "finite, with finite derivatives"


@law("repr")
def law_repr(subject: Subject) -> str:
    """`repr(module)` says what it is."""
    text = repr(subject.original)
    if type(subject.original).__name__ not in text:
        raise subject.broken("repr", f"repr does not name the class: {text[:80]!r}")
    if "\n" not in text and len(text) > 400:
        raise subject.broken("repr", f"repr is one line of {len(text)} characters")
    return text.splitlines()[0][:80]
