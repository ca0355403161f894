"""In words: did the symmetry help, was it neutral, or was it wrong for this task; and was building it in worth it?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING, Any

from erlangen.learn.compare.poses import MOVED, UPRIGHT
from erlangen.learn.compare.score import METRICS, in_words, margin, number
from erlangen.learn.statistics import CONFIDENCE, examples_for, holm, paired_interval

if TYPE_CHECKING:
    from erlangen.learn.compare.result import Comparison

VERDICTS = {
    "helped": "the symmetry helped",
    "neutral": "the symmetry was neutral",
    "wrong": "the symmetry is wrong for this task",
    "costly": "building the symmetry in cost, though nothing says that the symmetry is wrong",
    "undecided": "undecided",
}


@dataclass(frozen=True)
class Contrast:
    """One arm against another.

    Args:
        first: the arm that is judged.
        second: the arm it is judged against.
        pose: of the test examples.
        examples: number of training examples; None for the mean over all sizes.
        gain: mean over seeds of first minus second, the better being positive.
        low: lower end of its 95 % interval.
        high: upper end.
        p: of the gain being zero. Derived and augmented against plain, on examples as they are, is what the comparison
            asks; the p-values of all others are corrected by Holm: against tricks, on moved examples, of single sizes.
        outcome: "better", "worse" (p < 0.05), "equal" (the interval lies within the margin) or "undecided".
        pairs: how many seeds or folds.
    """

    first: str
    second: str
    pose: str
    examples: int | None
    gain: float
    low: float
    high: float
    p: float
    outcome: str
    pairs: int

    def __str__(self) -> str:
        return f"{self.gain:+.4f}, 95 % interval {self.low:+.4f} to {self.high:+.4f} over {self.pairs} pairs"


@dataclass(frozen=True)
class Verdict:
    """What a comparison says.

    Args:
        name: a key of `VERDICTS`.
        sentences: the words to print.
        contrasts: the derived arm against every other one, overall and at every size, upright and moved.
    """

    name: str
    sentences: tuple[str, ...]
    contrasts: tuple[Contrast, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def judge(found: "Comparison") -> Verdict:
    """The verdict of a comparison.

    The derived network is held against the plain one on test examples as they are. If it scores worse, and so does the
    plain network that is shown moved examples, the symmetry is wrong for the task: what it moves has another label. If
    the augmented network does not score worse (or was not trained), nothing says that the symmetry is wrong.
    """
    contrasts = _contrasts(found)
    overall = {(c.first, c.second, c.pose): c for c in contrasts if c.examples is None}
    main = overall.get(("derived", "plain", UPRIGHT))
    shown = overall.get(("augmented", "plain", UPRIGHT))
    if main is None:
        return Verdict("undecided", (_too_few(found),), tuple(contrasts))
    name = {"better": "helped", "equal": "neutral", "undecided": "undecided"}.get(main.outcome)
    if name is None:
        name = "wrong" if shown is not None and shown.outcome == "worse" else "costly"
    sentences = [_headline(found, name, main, shown)]
    sentences += _by_size(contrasts, main)
    sentences += _against_tricks(found, overall)
    sentences += _when_moved(found, overall)
    sentences += _worth(found)
    return Verdict(name, tuple(sentences), tuple(contrasts))


def _contrasts(found: "Comparison") -> list[Contrast]:
    arms = [a for a in found.arms if a != "derived"]
    pairs = [("derived", a) for a in arms if "derived" in found.arms]
    pairs += [("augmented", "plain")] if {"augmented", "plain"} <= set(arms) else []
    whole, single = [], []
    for pose in (p for p in (UPRIGHT, MOVED) if p in found.poses):
        for first, second in pairs:
            every = [found.paired(first, second, pose, n) for n in found.sizes]
            together = _means([e for e in every if e is not None])
            whole += _contrast(found, first, second, pose, None, together)
            if len(found.sizes) > 1:
                for n, scores in zip(found.sizes, every, strict=True):
                    single += _contrast(found, first, second, pose, n, scores)
    leading = [c for c in whole if c.pose == UPRIGHT and c.second == "plain"]
    tricks = [c for c in whole if c.pose == UPRIGHT and c.second != "plain"]
    moved = [c for c in whole if c.pose != UPRIGHT]
    return leading + _corrected(tricks) + _corrected(moved) + _corrected(single)


def _corrected(family: Sequence[Contrast]) -> list[Contrast]:
    """Contrasts of one family with p-values corrected for their number, and outcomes that hold up to that."""
    found = []
    for c, p in zip(family, holm([c.p for c in family]), strict=True):
        unsure = c.outcome in ("better", "worse") and p >= 1 - CONFIDENCE
        found.append(replace(c, p=p, outcome="undecided" if unsure else c.outcome))
    return found


Scores = dict[int, tuple[float, float]]


def _means(by_size: Sequence[Scores]) -> "Scores | None":
    """The means over the sizes, for every seed that has them all: seeds are independent, sizes are nested."""
    seeds = set.intersection(*(set(s) for s in by_size)) if by_size else set()
    return {s: (mean(x[s][0] for x in by_size), mean(x[s][1] for x in by_size)) for s in sorted(seeds)} or None


def _contrast(
    found: "Comparison", first: str, second: str, pose: str, examples: int | None, scores: "Scores | None"
) -> list[Contrast]:
    if scores is None or len(scores) < 2:
        return []
    sign = 1.0 if METRICS[found.metric] else -1.0
    ours, theirs = ([sign * s[i] for s in scores.values()] for i in (0, 1))
    step = 1 / found.judged if METRICS[found.metric] else 0.0
    gap = paired_interval(ours, theirs, step=step)
    close = margin(found.metric, mean(theirs))
    outcome = "better" if gap.low > 0 else "worse" if gap.high < 0 else "undecided"
    if outcome == "undecided" and -close < gap.low and gap.high < close:
        outcome = "equal"
    return [Contrast(first, second, pose, examples, gap.gain, gap.low, gap.high, gap.p, outcome, gap.pairs)]


def _too_few(found: "Comparison") -> str:
    missing = [a for a in ("plain", "derived") if a not in found.arms]
    if missing:
        return f"Undecided: without the arm {' and '.join(missing)} there is nothing to judge by."
    return "Undecided: one seed decides nothing. Fix: seeds=3 or more; finished cells are kept."


def _headline(found: "Comparison", name: str, main: Contrast, shown: "Contrast | None") -> str:
    with_it, without = found.mean_score("derived", UPRIGHT), found.mean_score("plain", UPRIGHT)
    scores = (
        f"{in_words(found.metric)} {number(with_it, found.metric)} with it built in, "
        f"{number(without, found.metric)} without (gain {main})"
    )
    group, data = found.group, found.data
    if name == "helped":
        return f"{group} HELPED on {data}: {scores}."
    if name == "neutral":
        equal = f"the interval lies within ±{_margin(found):.3g}, which counts as equal"
        return f"{group} was NEUTRAL on {data}: {scores}; {equal}."
    if name == "wrong":
        return (
            f"{group} is WRONG for this task, {data}: {scores}. Showing it by augmentation costs as well ({shown}): "
            f"what {group} moves has another label. Fix: a smaller group, or classes that the symmetry exchanges; if "
            "trainings were cut short, longer ones first."
        )
    if name == "costly":
        why = (
            "Whether the symmetry or the network is at fault only the arm augmented can tell. Fix: add it."
            if shown is None
            else f"The symmetry is not wrong, as showing it by augmentation does not cost ({shown}). Fix: more width, "
            "or longer training of the derived network."
        )
        return f"Building {group} in COST on {data}: {scores}. {why}"
    return (
        f"Whether {group} helps on {data} is UNDECIDED: {scores}. Fix: more seeds (finished cells are kept), "
        "or fewer training examples."
    )


def _margin(found: "Comparison") -> float:
    return margin(found.metric, found.mean_score("plain", UPRIGHT))


def _by_size(contrasts: Sequence[Contrast], main: Contrast) -> list[str]:
    """Sizes at which the outcome is another one than overall, beyond chance among so many."""
    mine = [c for c in contrasts if (c.first, c.second, c.pose) == ("derived", "plain", UPRIGHT) and c.examples]
    told = []
    for outcome, words in (("better", "helped"), ("worse", "cost")):
        places = [f"{c.examples:,}" for c in mine if c.outcome == outcome]
        if places and outcome != main.outcome:
            told.append(f"It {words} with {', '.join(places)} training examples.")
    return told


def _against_tricks(found: "Comparison", overall: dict[tuple[str, str, str], Contrast]) -> list[str]:
    """The derived network against augmentation and averaging, on examples as they are."""
    words = {"better": "better than", "worse": "worse than", "equal": "as good as", "undecided": "not told apart from"}
    told = []
    for arm in found.arms:
        c = overall.get(("derived", arm, UPRIGHT))
        if c is not None and arm not in ("plain", "derived+augmented"):
            told.append(f"Built in is {words[c.outcome]} {arm} ({c}; p = {c.p:.2g} after Holm's correction).")
    return told


def _when_moved(found: "Comparison", overall: dict[tuple[str, str, str], Contrast]) -> list[str]:
    if MOVED not in found.poses:
        return []
    scores = ", ".join(f"{arm} {number(found.mean_score(arm, MOVED), found.metric)}" for arm in found.arms)
    return [f"On test examples moved by {found.group}: {scores}."]


def _worth(found: "Comparison") -> list[str]:
    """How many examples the other arms need for the score of the derived one with the fewest."""
    if len(found.sizes) < 2 or "derived" not in found.arms:
        return []
    sign = 1.0 if METRICS[found.metric] else -1.0
    wanted = sign * found.mean_score("derived", UPRIGHT, found.sizes[0])
    told = []
    for arm in ("plain", "augmented"):
        if arm not in found.arms:
            continue
        curve = [sign * found.mean_score(arm, UPRIGHT, n) for n in found.sizes]
        needed = examples_for(found.sizes, curve, wanted)
        if curve[-1] < wanted:
            told.append(f"{arm} does not reach with {found.sizes[-1]:,} what derived does with {found.sizes[0]:,}")
        elif needed is not None:
            told.append(f"{arm} needs {needed:,.0f} examples for what derived does with {found.sizes[0]:,}")
    return [f"Worth in examples: {'; '.join(told)}."] if told else []


def contrast_rows(verdict: Verdict) -> list[dict[str, Any]]:
    """The contrasts as JSON-able data."""
    return [dict(c.__dict__) for c in verdict.contrasts]
