"""`erlangen export`: a trained network as plain torch."""


def export(run: str, out: str | None = None, onnx: bool = False, model: str | None = None) -> int:
    """Write the network of a run as plain torch, after checking that it computes the same.

    Args:
        run: the run folder.
        out: a file ending in .pt2 (torch.export program), .pt (pickled module) or .onnx; else in the run folder.
        onnx: the same as --out <run>/model.onnx.
        model: file.py:name of the module, for a run whose model was not derived.
    """
    from pathlib import Path
    from typing import Any

    from erlangen.blueprint import Signal
    from erlangen.cli.audit import module_named
    from erlangen.learn import Run
    from erlangen.learn import export as write

    loaded = Run.load(run, model=None if model is None else module_named(model))
    field: Any = loaded.model.in_field
    takes_signals = isinstance(field.space.sample_signal(field, 1), Signal)
    default = "model.onnx" if onnx else "model.pt" if takes_signals else "model.pt2"
    for path in write(loaded, Path(out) if out else Path(run) / default):
        print(f"wrote    {path} ({path.stat().st_size:,} bytes), outputs equal to those of {run}")
    return 0
