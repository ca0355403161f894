"""`erlangen demo`: the whole path in a few minutes, on images and on graphs."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from erlangen.audit import Audit
    from erlangen.data import Dataset
    from erlangen.learn import Run

TEST_IMAGES = 10_000  # of the test images: 50,000 would take a third of the demo; the standard error is below 0.15 %
AROUND_SHARE, AROUND_SECONDS = (
    0.25,
    45.0,
)  # what loading, testing, auditing and drawing take: at most this share, this long
GRAPH_SHARE = 0.05
TITLE = "One blueprint, two domains: what the declared symmetry is worth"


@dataclass(frozen=True)
class Arm:
    """One network of the comparison.

    Args:
        name: how it is called in the table.
        folder: its run folder inside that of the demo.
        group: the group it is derived for; None is the largest of its domain.
        audited: the group it is audited for.
        note: what it shows.
    """

    name: str
    folder: str
    group: str | None
    audited: str | None
    note: str


DERIVED = Arm(
    "derived for C4",
    "derived",
    "C4",
    "C4",
    "Turns by 90° move its feature maps exactly; its answer does not depend on them.",
)
ORDINARY = Arm(
    "ordinary CNN",
    "ordinary",
    "C1",
    "C4",
    "The same recipe and the same channel widths without the symmetry: it must learn every direction by itself.",
)
GRAPHS = Arm(
    "derived for graphs",
    "graphs",
    None,
    None,
    "The same derive on another domain: its answer ignores the order of the nodes.",
)


MIRRORS = (
    "Would a larger group have been better? Here the same network meets mirror images. What it calls a mirrored digit, "
    "and how much accuracy that costs, says whether mirroring is a symmetry of the task: on digits it is not, so C4 is "
    "right and D4 would be wrong."
)


def demo(out: str = "runs/demo", minutes: float = 3.0, seed: int = 0, fresh: bool = False) -> int:
    """Train a derived and an ordinary network for equal minutes, and one on graphs; audit all; write one report.

    A demo that was interrupted goes on; a finished one is shown again.

    Args:
        out: the folder of the runs and the report.
        minutes: how long all of it should take, about.
        seed: decides weights, data order, augmentation and samples.
        fresh: train again what is there already.
    """
    from erlangen.cli.declare import load_dataset, network_for
    from erlangen.errors import RunError
    from erlangen.learn.threads import quickest_threads, threads

    if not minutes > 0:
        raise RunError(f"minutes must be positive, got {minutes}")
    folder = Path(out)
    total = 60.0 * minutes
    around = min(AROUND_SECONDS, AROUND_SHARE * total)
    graph_seconds = GRAPH_SHARE * total
    each = (total - around - graph_seconds) / 2
    digits = load_dataset("mnist-rot", None, None, None)
    if len(digits.test) > TEST_IMAGES:
        digits = replace(digits, test=digits.test.subset(TEST_IMAGES, seed))
        print(f"         tested on {TEST_IMAGES:,} of the test images, drawn with seed {seed}")
    molecules = load_dataset("mutag", None, None, None)
    done = []
    for arms, data, seconds in (((DERIVED, ORDINARY), digits, each), ((GRAPHS,), molecules, graph_seconds)):
        # measured once a domain, so that the networks that are compared train with the same number of threads
        count = quickest_threads(network_for(data, arms[0].group, "small", seed), data)
        for arm in arms:
            print(f"\n{arm.name}: {seconds:.0f} s of training on {data.name}, {count} threads", flush=True)
            with threads(count):
                done.append((arm, *_train_and_audit(arm, data, folder / arm.folder, seconds, seed, fresh)))
    rows = [_row(arm, run, audit) for arm, run, audit in done]
    print(f"\n{_text(rows)}\n")
    page = _report(folder, done, rows, (digits, molecules), _mirrors(done[0][1], digits, seed), seed)
    print(f"report: {page}")
    return 0


def _train_and_audit(
    arm: Arm, data: "Dataset", folder: Path, seconds: float, seed: int, fresh: bool
) -> "tuple[Run, Audit]":
    """Train one arm, or go on with it, or take it as it is if it is finished; then audit it."""
    from erlangen.audit import audit
    from erlangen.cli.declare import network_for
    from erlangen.errors import RunError
    from erlangen.learn import fit

    def train(again: bool) -> "Run":
        network = network_for(data, arm.group, "small", seed)
        return fit(network, data, minutes=round(seconds / 60, 4), seed=seed, out=folder, fresh=again)

    try:
        run = train(fresh)
    except RunError as error:
        print(f"starting over: {error}")
        run = train(True)
    field: Any = data.field(arm.audited) if arm.audited else run.model.in_field
    return run, audit(run.model, data, in_field=field, seed=seed)


def _mirrors(run: "Run", digits: "Dataset", seed: int) -> "Audit":
    """The network for C4 under D4, whose mirrorings it was not built for: are mirror images of a digit that digit?"""
    from erlangen.audit import audit

    return audit(run.model, digits, in_field=digits.field("D4"), seed=seed, samples=256, layers=False)


def _row(arm: Arm, run: "Run", audit: "Audit") -> dict[str, Any]:
    """One row of the table."""
    numbers = run.metrics
    return {
        "network": arm.name,
        "data": run.data.name,
        "test accuracy": f"{100 * numbers['test_accuracy']:.2f} %",
        "parameters": numbers["parameters"],
        "multiplications": numbers["multiplications"],
        "epochs": round(numbers["epochs"], 1),
        "s/epoch": round(numbers["seconds_per_epoch"], 2),
        "worst error under the group": f"{audit.max_error:.1e}",
        "flip rate": "–" if audit.flip_rate is None else f"{100 * audit.flip_rate:.1f} %",
        "verdict": audit.verdict,
        "guilty layers": audit.guilty,
    }


def _text(rows: list[dict[str, Any]]) -> str:
    """The table for a terminal: one column a network, since there are more numbers than networks."""
    names = list(rows[0])
    cells = [[f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for row in rows] for name in names]
    first = max(len(name) for name in names)
    widths = [max(len(line[i]) for line in cells) for i in range(len(rows))]
    lines = []
    for name, line in zip(names, cells, strict=True):
        lines.append("  ".join([name.ljust(first), *(c.ljust(w) for c, w in zip(line, widths, strict=True))]).rstrip())
    lines.insert(1, "─" * (first + sum(widths) + 2 * len(widths)))
    return "\n".join(lines)


def _report(
    folder: Path,
    done: "list[tuple[Arm, Run, Audit]]",
    rows: list[dict[str, Any]],
    datasets: "tuple[Dataset, ...]",
    mirrors: "Audit",
    seed: int,
) -> Path:
    """Write the page, and its table as JSON beside it."""
    from erlangen.learn.checkpoint import write_json
    from erlangen.learn.environment import environment
    from erlangen.report import Section, write_report

    sections = [
        Section(
            f"{arm.name}, on {run.data.name}",
            audit,
            {k: v for k, v in row.items() if k not in ("network", "guilty layers")}
            | {"weights": run.metrics["weights"]},
            str(run.model.plan),
            arm.note,
        )
        for (arm, run, audit), row in zip(done, rows, strict=True)
    ]
    sections.append(Section(f"{DERIVED.name}, held against D4", mirrors, note=MIRRORS))
    here = environment()
    provenance = {
        "command": "erlangen demo",
        "seed": seed,
        **{f"data: {d.name}": d.summary() for d in datasets},
        "machine": f"{here['processor']}, {here['threads']} threads, {' '.join(here['processor_flags'])}",
        "erlangen": f"{here['erlangen']} ({here['git_commit'] or 'installed'})",
        "torch": here["packages"]["torch"],
    }
    introduction = (
        "Two image networks with equal training time, the same augmentation by rotations and the same channel widths, "
        f"and one graph network. Data: {'; '.join(d.summary() for d in datasets)}. The image networks are tested on "
        f"{len(datasets[0].test):,} images, the graph network on {len(datasets[1].test)} graphs (one fold: expect some "
        "points either way)."
    )
    write_json(folder / "table.json", rows)
    return write_report(folder / "report.html", TITLE, list(sections), rows, provenance, introduction)
