"""What a comparison says, from made-up scores: helped, neutral, wrong, costly, undecided."""

from collections.abc import Sequence
from typing import Any

import pytest

from erlangen.errors import RunError, UnknownName
from erlangen.learn import Comparison

PLAN = {"match": "parameters", "epochs": 10, "minutes": None}
NOISE = (0.0, 0.004, -0.003, 0.002)


def comparison(scores: dict[str, Sequence[float]], seeds: int = 4, metric: str = "accuracy", **more: Any) -> Comparison:
    """Scores an arm and size of 100, 1000, …, with noise that arms do not share."""
    cells = []
    for i, (arm, values) in enumerate(scores.items()):
        for size, value in enumerate(values):
            for seed in range(seeds):
                found = value + NOISE[(seed + i) % 4] * (1 if seed < 4 else -1)
                poses = {pose: {metric: found, "loss": 1.0} for pose in ("upright", "moved")}
                poses["moved"] |= {"flips": 0.1, "error": 0.2}
                cells.append(
                    {
                        "training": arm.removesuffix("+symmetrised").replace("symmetrised", "plain"),
                        "examples": 10 ** (2 + size),
                        "seed": seed,
                        "parameters": 1000,
                        "epochs": 10.0,
                        "seconds": 6.0,
                        "threads": 1,
                        "judged": 1000,
                        "fallback": False,
                        "group": "C4",
                        "data": "made up",
                        "scores": {arm: poses},
                    }
                )
    return Comparison(PLAN, list(scores), cells, data="spots", **more)


def test_helped() -> None:
    found = comparison({"plain": [0.5, 0.7, 0.9], "augmented": [0.6, 0.75, 0.9], "derived": [0.72, 0.8, 0.92]}).verdict
    assert found.name == "helped"
    assert found.sentences[0].startswith("C4 HELPED on spots: accuracy 0.81")
    assert "Built in is better than augmented" in str(found)
    assert "plain needs 1,2" in str(found)  # log-linear between 1000 (0.70) and 10000 (0.90)


def test_neutral_is_shown_and_not_merely_undecided() -> None:
    assert comparison({"plain": [0.8], "derived": [0.801]}).verdict.name == "neutral"
    wide = comparison({"plain": [0.8], "derived": [0.81]}, seeds=2).verdict
    assert wide.name == "undecided"
    assert "more seeds" in wide.sentences[0]


def test_wrong_needs_augmentation_to_cost_as_well() -> None:
    wrong = comparison({"plain": [0.9], "augmented": [0.8], "derived": [0.7]}).verdict
    assert wrong.name == "wrong"
    assert "has another label" in wrong.sentences[0]
    assert "augmentation costs as well" in wrong.sentences[0]
    costly = comparison({"plain": [0.9], "augmented": [0.92], "derived": [0.7]}).verdict
    assert costly.name == "costly"
    assert "The symmetry is not wrong" in costly.sentences[0]
    unknown = comparison({"plain": [0.9], "derived": [0.7]}).verdict
    assert unknown.name == "costly"
    assert "only the arm augmented can tell" in unknown.sentences[0]


def test_sizes_that_say_something_else_are_told() -> None:
    found = comparison({"plain": [0.3, 0.9], "derived": [0.7, 0.8]}).verdict
    assert found.name == "helped"
    assert "It cost with 1,000 training examples." in found.sentences


def test_errors_are_better_when_smaller() -> None:
    found = comparison({"plain": [0.5], "derived": [0.3]}, metric="mse")
    assert found.metric == "mse"
    assert found.verdict.name == "helped"
    assert found.verdict.contrasts[0].gain == pytest.approx(0.2, abs=0.01)


def test_few_seeds_and_missing_arms_decide_nothing() -> None:
    one = comparison({"plain": [0.5], "derived": [0.9]}, seeds=1)
    assert one.verdict.name == "undecided"
    assert "one seed" in str(one)
    assert "without the arm plain" in str(comparison({"derived": [0.9]}).verdict)


def test_arms_against_tricks_are_corrected_for_their_number() -> None:
    arms = {"plain": [0.5], "augmented": [0.79], "symmetrised": [0.79], "augmented+symmetrised": [0.79]}
    found = comparison({**arms, "derived": [0.8]}, seeds=4).verdict
    tricks = [c for c in found.contrasts if c.pose == "upright" and c.second in arms and c.second != "plain"]
    assert len(tricks) == 3
    for c in tricks:
        assert (c.outcome in ("better", "worse")) <= (c.p < 0.05)
    alone = comparison({"plain": [0.5], "augmented": [0.79], "derived": [0.8]}).verdict
    p_alone = next(c.p for c in alone.contrasts if c.second == "augmented" and c.pose == "upright")
    assert max(c.p for c in tricks) > p_alone


def test_table_json_and_figure(tmp_path) -> None:
    found = comparison({"plain": [0.5, 0.7], "derived": [0.72, 0.8]}, left_out={"augmented": "no reason"})
    text = str(found)
    assert "0.5008 ± 0.0030" in text
    assert "Left out: augmented: no reason" in text
    again = Comparison.load(found.save(tmp_path / "c.json"))
    assert str(again) == text
    assert again.to_dict() == found.to_dict()
    first, second = (found.save(tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert first == second
    assert b"derived" in first
    assert found.save(tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(RunError, match=r"ends? in one of \.json, \.svg"):
        found.save(tmp_path / "c.txt")
    with pytest.raises(UnknownName, match="unknown metric 'dice'"):
        Comparison.load(tmp_path / "c.json", metric="dice")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(RunError, match="no comparison"):
        Comparison.load(tmp_path / "other.json")
    with pytest.raises(RunError, match="without cells"):
        Comparison(PLAN, ["plain"], [])
