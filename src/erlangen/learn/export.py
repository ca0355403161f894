"""Write a model as plain torch, and check that it computes the same."""

import copy
import importlib.util
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Signal
from erlangen.errors import FieldError, MissingExtra, RunError
from erlangen.files import write_atomically
from erlangen.learn.metrics import output_tensor

TOLERANCE = 1e-4  # relative, float32: a deep network in other kernels differs by a few hundred roundings
LOW_TOLERANCE = 0.05  # in bfloat16 and float16
SUFFIXES = (".pt2", ".pt", ".onnx")


def export(model: Any, path: str | Path, *, example: Any = None) -> list[Path]:
    """Write a model as plain torch, and check its outputs against the model's.

    A ".pt2" or ".onnx" program runs without erlangen; a ".pt" module needs it to be importable (its pooling layers).

    Args:
        model: a `Run`, or a module. An `EquivariantModule` is first expanded to ordinary convolutions and matrices.
        path: where to; the suffix chooses the form: ".pt2" (`torch.export` program, any batch size), ".pt" (pickled
            plain module, for `torch.load(…, weights_only=False)`), ".onnx"; a folder, or no suffix, writes "model.pt2",
            and "model.onnx" too if onnx is installed.
        example: an input batch for tracing; None samples one from the model's field.

    Returns:
        The files that were written.

    Raises:
        RunError: the exported program does not compute the same as the model.
        FieldError: no example was given and the model has no field, or its inputs are not tensors.
        MissingExtra: ".onnx" was asked for and onnx is not installed.
    """
    module: nn.Module = getattr(model, "model", model)
    example = _example(module) if example is None else example
    original = copy.deepcopy(module).eval()
    plain = original.export().eval() if isinstance(original, EquivariantModule) else original
    with torch.no_grad():
        wanted = output_tensor(original(example))
        _check(wanted, output_tensor(plain(example)), "the plain module")
    written = []
    for target in _targets(Path(path)):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".pt":
            _write_module(plain, target)
        elif isinstance(example, Signal):
            raise FieldError(
                f"{target.suffix} takes tensors only, and this model takes signals on graphs. Fix: export to '.pt'."
            )
        elif not getattr(getattr(plain, "orbit", None), "static", True):
            raise FieldError(
                f"{target.suffix} holds a fixed program, and this model chooses what to read by the input. Fix: export "
                "to '.pt', or symmetrise by 'average' or 'weighted'."
            )
        elif target.suffix == ".pt2":
            _write_program(plain, example, wanted, target)
        else:
            _write_onnx(plain, example, wanted, target)
        written.append(target)
    return written


def _targets(path: Path) -> list[Path]:
    if path.suffix in SUFFIXES:
        return [path]
    if path.suffix and not path.is_dir():
        raise FieldError(f"unknown form {path.suffix!r} of {path}. Known: {', '.join(SUFFIXES)}.")
    return [path / "model.pt2", *([path / "model.onnx"] if _has_onnx() else [])]


def _has_onnx() -> bool:
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))


def _example(module: nn.Module) -> Any:
    field: Any = getattr(module, "in_field", None)
    if field is None:
        raise FieldError(
            f"{type(module).__name__} has no in_field to sample from. Fix: export(model, path, example=a_batch)."
        )
    found = field.space.sample_signal(field, 2, torch.Generator().manual_seed(0))
    weight = next((p for p in module.parameters() if p.is_floating_point()), None)
    if weight is None:
        return found
    return Signal(found.x.to(weight), found.on) if isinstance(found, Signal) else found.to(weight)


def _check(wanted: Tensor, got: Tensor, what: str) -> None:
    far, size = (wanted.double() - got.double()).abs().max(), wanted.double().abs().max()
    gap = float((far / size.clamp_min(1e-30)).detach())
    limit = TOLERANCE if wanted.dtype in (torch.float32, torch.float64) else LOW_TOLERANCE
    if not gap <= limit:
        raise RunError(
            f"{what} computes something else: relative difference {gap:.1e} (limit {limit:g}); nothing was written"
        )


def _write_module(plain: nn.Module, target: Path) -> None:
    buffer = io.BytesIO()
    torch.save(plain, buffer)
    write_atomically(target, buffer.getvalue())


def _write_program(plain: nn.Module, example: Tensor, wanted: Tensor, target: Path) -> None:
    program = torch.export.export(plain, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    _check(wanted, program.module()(example), "the exported program")
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    write_atomically(target, buffer.getvalue())


def _write_onnx(plain: nn.Module, example: Tensor, wanted: Tensor, target: Path) -> None:
    if not _has_onnx():
        raise MissingExtra("onnx", "onnx")
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it reports operators of packages that are not involved
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                plain, (example,), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},), verbose=False
            )
    finally:
        logger.setLevel(level)
    if program is None:
        raise RunError("torch.onnx.export gave no program")
    content = program.model_proto.SerializeToString()
    _check(wanted, torch.from_numpy(_run_onnx(content, example)), "the ONNX program")
    write_atomically(target, content)


def _run_onnx(content: bytes, example: Tensor) -> Any:
    """The output of an ONNX program, by onnxruntime if it is installed, else by the reference evaluator of onnx."""
    if importlib.util.find_spec("onnxruntime"):
        import onnxruntime  # pyrefly: ignore[missing-import]  # optional

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: example.numpy()})[0]
    import onnx
    from onnx.reference import ReferenceEvaluator

    model = onnx.load_from_string(content)
    outputs: Any = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: example.numpy()})
    return outputs[0]
