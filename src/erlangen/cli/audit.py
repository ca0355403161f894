"""`erlangen audit`: measure how well the symmetry holds, for a run of ours or anybody's module."""

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlangen.errors import RunError, UnknownName

if TYPE_CHECKING:
    from torch import nn

    from erlangen.audit import Audit


def audit(
    target: str,
    html: str | None = None,
    json: str | None = None,
    junit: str | None = None,
    max_error: float | None = None,
    baseline: str | None = None,
    update_baseline: bool = False,
    domain: str | None = None,
    group: str | None = None,
    data: str | None = None,
    data_options: dict[str, Any] | None = None,
    model: str | None = None,
    samples: int = 64,
    elements: int = 8,
    seed: int = 0,
) -> int:
    """Audit a run folder, or a module in a Python file, and say exact, approximate or broken.

    Exits with 1 if the error is above --max-error, or if a family or a layer is worse than its --baseline.

    Args:
        target: a run folder; or file.py:name, where name is a module, a class or a function without arguments.
        html: write the report to this file.
        json: write the numbers to this file.
        junit: write the results to this file as JUnit XML, one test case a family and one a layer.
        max_error: the largest relative error that passes.
        baseline: file with the errors of an earlier audit, which must not grow by more than a tenth.
        update_baseline: write the baseline if there is none, and tighten it where errors are smaller; never loosen it.
        domain: what the data lives on. Checked against the data.
        group: the symmetry group to audit; of a run, its own group if not given.
        data: name of a data set; of a run, its own data if not given.
        data_options: further words for the data set, such as --data_options.fold=3.
        model: file.py:name of the module, for a run whose model was not derived.
        samples: how many test examples are tried.
        elements: how many group elements are sampled, besides the generators.
        seed: decides the sample.
    """
    from erlangen.audit.baseline import read_baseline
    from erlangen.cli.declare import load_dataset

    if update_baseline and baseline is None:
        raise RunError("--update-baseline needs to know which file. Fix: --baseline FILE")
    if baseline is not None and (Path(baseline).exists() or not update_baseline):
        read_baseline(baseline)  # a missing or foreign file is told before the work
    module, dataset = target_of(target, model)
    if data is not None or dataset is None:
        if data is None:
            raise RunError("a module alone has no data. Fix: --data NAME (erlangen data list shows them), and --group.")
        dataset = load_dataset(data, domain, None, data_options)
    from erlangen.audit import audit as measure

    own: Any = getattr(module, "in_field", None)
    field = own if own is not None and group in (None, own.group.name) else dataset.field(group)
    found = measure(module, dataset, in_field=field, samples=samples, elements=elements, seed=seed, progress=True)
    print(found)
    for path in (html, json):
        if path is not None:
            print(f"report   {found.save(path)}")
    return _gate(found, max_error, junit, baseline, update_baseline)


def _gate(found: "Audit", max_error: float | None, junit: str | None, baseline: str | None, update: bool) -> int:
    """Write the JUnit file, compare with the limits, and say what fails."""
    from erlangen.audit.baseline import baseline_of, read_baseline
    from erlangen.audit.gates import hold_baseline
    from erlangen.audit.junit import junit as junit_xml
    from erlangen.errors import EquivarianceError
    from erlangen.files import write_atomically

    if junit is not None:
        old = None
        if baseline is not None:
            old = baseline_of(found) if update and not Path(baseline).exists() else read_baseline(baseline)
        print(f"junit    {write_atomically(Path(junit), junit_xml(found, max_error, old))}")
    failures = []
    try:
        if max_error is not None:
            found.require(max_error)
    except EquivarianceError as error:
        failures.append(error)
    try:
        if baseline is not None and (not failures or Path(baseline).exists()):
            for words in hold_baseline(found, baseline, update and not failures):
                print(f"baseline {words}")
    except EquivarianceError as error:
        failures.append(error)
    for error in failures:
        print(f"erlangen: {error}", file=sys.stderr)
    return 1 if failures else 0


def target_of(target: str, model: str | None) -> "tuple[nn.Module, Any]":
    """The module that a command names, and the data set of its run if it has one.

    Args:
        target: a run folder, or file.py:name.
        model: file.py:name of the module of a run whose model was not derived.

    Raises:
        RunError: there is no such run or file.
    """
    path, colon, name = target.rpartition(":")
    if colon and path.endswith(".py"):
        return load_module(Path(path), name), None
    if target.endswith(".py"):
        raise RunError(f"{target} holds many things. Fix: name the module in it: {target}:name")
    from erlangen.learn import Run

    run = Run.load(target, model=None if model is None else module_named(model))
    return run.model, run.data


def module_named(words: str) -> "nn.Module":
    """The module that file.py:name names.

    Raises:
        RunError: the words have another form, or there is no such file.
    """
    path, colon, name = words.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise RunError(f"{words!r} names no network. Fix: --model file.py:name")
    return load_module(Path(path), name)


def load_module(path: Path, name: str) -> "nn.Module":
    """The `nn.Module` of this name in a Python file: an instance, or what a class or function makes without arguments.

    Raises:
        RunError: there is no such file, it cannot be run, or the name makes no module.
        UnknownName: the file does not define the name.
    """
    from torch import nn

    if not path.is_file():
        raise RunError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RunError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # so that classes in the file can be copied and pickled
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RunError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    if not hasattr(module, name):
        raise UnknownName(f"name in {path}", name, [n for n in vars(module) if not n.startswith("_")])
    found = getattr(module, name)
    if not isinstance(found, nn.Module) and callable(found):
        try:
            inspect.signature(found).bind()
        except (TypeError, ValueError) as error:
            raise RunError(
                f"{path}:{name} must be callable without arguments: {error}. Fix: write a function that makes one, "
                f"def make(): return {name}(…), and name that: {path}:make"
            ) from error
        try:
            found = found()
        except Exception as error:
            raise RunError(f"{path}:{name}() failed: {type(error).__name__}: {error}") from error
    if not isinstance(found, nn.Module):
        raise RunError(f"{path}:{name} is a {type(found).__name__}, not an nn.Module and nothing that makes one")
    return found
