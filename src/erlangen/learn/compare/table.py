"""The table of a comparison, in plain text."""

from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from erlangen.learn.compare.score import in_words, number

if TYPE_CHECKING:
    from erlangen.learn.compare.result import Comparison


def table_text(found: "Comparison") -> str:
    """One row for every arm and number of training examples, what is not as it seems below."""
    plan = found.plan
    length = f"{plan['minutes']:g} minutes" if plan["minutes"] else f"{plan['epochs'] or 'the usual'} epochs"
    seeds = f"{len(found.seeds)} {'seed' if len(found.seeds) == 1 else 'seeds'}"
    head = (
        f"{found.group} on {found.data}: {in_words(found.metric)}, mean ± standard deviation over {seeds}; "
        f"equal {'parameters' if plan['match'] == 'parameters' else 'channels and minutes'}, {length}"
    )
    width = max(8, *(len(arm) for arm in found.arms))
    columns = " ".join(f"{pose:>17s}" for pose in found.poses)
    lines = [head, "", f"{'examples':>8s}  {'arm':{width}s} {columns} {'flips':>7s} {'error':>8s} {_COST}"]
    for row in found.rows():
        scores = " ".join(f"{spread(row[pose], found.metric):>17s}" for pose in found.poses)
        flips = f"{row['flips']:.1%}" if row["flips"] is not None else ""
        error = f"{row['error']:.0e}" if row["error"] is not None else ""
        lines.append(
            f"{row['examples']:>8,}  {row['arm']:{width}s} {scores} {flips:>7s} {error:>8s} "
            f"{row['parameters']:>10,} {row['epochs']:>6.0f} {row['minutes']:>7.2f}"
        )
    lines += ["", *legend(found)]
    return "\n".join(lines)


_COST = f"{'parameters':>10s} {'epochs':>6s} {'minutes':>7s}"


def legend(found: "Comparison") -> list[str]:
    """What the columns mean, and what a reader must know about these figures."""
    first = found.cells[0]
    told = f"upright: {first['judged']:,} test examples as they are"
    told += f"; moved: each by a random element of {found.group}" if "moved" in found.poses else ""
    told += "; turned: each by any angle" if "turned" in found.poses else ""
    lines = [f"{told}.", "flips, error: share of answers that change when examples are moved, and by how much."]
    sizes = {arm: found.of(arm)[0]["parameters"] for arm in found.arms if found.of(arm)}
    low, high = min(sizes.values()), max(sizes.values())
    if found.plan["match"] == "parameters" and high > 1.1 * low:
        lines.append(f"Note: parameters could not be matched better than {low:,} to {high:,}.")
    if found.plan["match"] == "minutes" and len({c["threads"] for c in found.cells}) > 1:
        lines.append("Note: cells were computed with different numbers of threads, so minutes are not equal work.")
    if found.plan.get("folds"):
        lines.append("Every seed has a fold of the data of its own.")
    if any(c["fallback"] for c in found.cells):
        lines.append(f"Note: {first['data']}")
    lines += [f"Left out: {arm}: {reason}" for arm, reason in found.left_out.items()]
    return lines


def spread(values: list[float], metric: str) -> str:
    """Mean ± standard deviation."""
    if not values:
        return "–"
    middle = mean(values)
    return number(middle, metric) + (f" ± {number(stdev(values), metric, middle)}" if len(values) > 1 else "")


def cell_line(done: int, whole: int, found: dict[str, Any], metric: str) -> str:
    """One finished cell in one line."""
    scores = ", ".join(
        f"{arm} {number(poses['upright'][metric], metric)}"
        + (f" ({number(poses['moved'][metric], metric)} moved)" if "moved" in poses else "")
        for arm, poses in found["scores"].items()
        if metric in poses["upright"]
    )
    return (
        f"[{done}/{whole}] {found['training']}, {found['examples']:,} examples, seed {found['seed']}: "
        f"{in_words(metric)} {scores}; "
        f"{found['seconds']:.0f} s of training, {found['judging_seconds']:.0f} s of judging"
    )
