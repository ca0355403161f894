"""`erlangen symmetrize`: make a trained network equivariant from outside, and say what that changed."""

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlangen.cli.audit import target_of
from erlangen.errors import RunError
from erlangen.files import write_atomically

if TYPE_CHECKING:
    from erlangen.learn import Symmetrization


def symmetrize(
    target: str,
    group: str | None = None,
    method: str = "auto",
    data: str | None = None,
    data_options: dict[str, Any] | None = None,
    model: str | None = None,
    out: str | None = None,
    html: str | None = None,
    json: str | None = None,
    combine: str = "mean",
    elements: int = 16,
    chunk: int | None = None,
    frozen: bool = False,
    samples: int = 64,
    test: int = 2000,
    seed: int = 0,
) -> int:
    """Make a trained network equivariant without training it, and print audits and scores before and after.

    Args:
        target: a run folder; or file.py:name, where name is a module, a class or a function without arguments.
        group: the symmetry, such as D4 or RC; that of the data if not given.
        method: average, canonical, frames, weighted, or auto.
        data: name of a data set; of a run, its own data if not given.
        data_options: further words for the data set, such as --data_options.fold=3.
        model: file.py:name of the module, for a run whose model was not derived.
        out: keep the symmetrised network in this folder, which audit, export and Run.load take as a run.
        html: write a page with both audits to this file.
        json: write the numbers to this file.
        combine: mean, or of an average also probability or max.
        elements: how many elements of a group that cannot be listed.
        chunk: elements of the group that go through the network together; all if not given.
        frozen: take the parameters of the network out of further training.
        samples: how many test examples are audited.
        test: how many test examples are scored.
        seed: decides the samples.
    """
    from erlangen.adapt import symmetrize as make
    from erlangen.learn.symmetrized import keep_symmetrized, symmetrized_report

    module, dataset = target_of(target, model)
    if data is not None or dataset is None:
        if data is None:
            raise RunError("a module alone has no data. Fix: --data NAME (erlangen data list shows them), and --group.")
        from erlangen.cli.declare import load_dataset

        dataset = load_dataset(data, None, None, data_options)
    module.eval()
    made = make(
        module,
        dataset.field(group),
        method,
        task=dataset.task,
        combine=combine,
        chunk=chunk,
        frozen=frozen,
        samples=elements,
        seed=seed,
    )
    print(f"method   {made.method}, since {made.why}", flush=True)
    print(f"cost     ×{made.cost:g} passes of the network", flush=True)
    found = symmetrized_report(made, dataset, samples=samples, test=test, seed=seed)
    print(found)
    if made.seen:
        print(f"ties     {made.degenerate:,} of {made.seen:,} inputs, {made.unresolved:,} of them unresolved")
    command = f"erlangen symmetrize {target} --method {made.method} --group {made.in_field.group} --seed {seed}"
    _write(found, f"{command} --data {data}" if data else command, html, json)
    if out is not None:
        given = target if ".py:" in target else model
        words = "" if given is None else f" --model {given}"
        kept = keep_symmetrized(made, out, dataset, found, target)
        print(f"saved    {kept}    audit it: erlangen audit {out}{words}")
    return 0


def _write(found: "Symmetrization", command: str, html: str | None, json: str | None) -> None:
    """The page and the numbers, where they were asked for."""
    if html is not None:
        from erlangen.report import Section, write_report

        titles = ("Before", "After")
        sections: list[Any] = [Section(title, one) for title, one in zip(titles, found, strict=True)]
        path = write_report(Path(html), "Symmetrised", sections, None, {"command": command}, found.words)
        print(f"report   {path}")
    if json is not None:
        write_atomically(Path(json), dumps(found.describe(), indent=2, ensure_ascii=False) + "\n")
        print(f"report   {json}")
