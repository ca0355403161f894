"""Gates of audits: JUnit XML, baselines that only tighten, and the fixture for pytest."""

import json
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from erlangen.audit import audit
from erlangen.audit.baseline import baseline_of, read_baseline
from erlangen.audit.gates import checks, hold_baseline
from erlangen.audit.junit import junit
from erlangen.blueprint import Classify, derive
from erlangen.errors import DataError, EquivarianceError, FieldError
from erlangen.grids import Grid

pytest_plugins = ["pytester"]

FIELD = Grid(2).field("C4", "1 trivial")
QUICK = {"continuous": False, "stability": False, "samples": 6}


def blend(share: float) -> nn.Module:
    """A convolution of which a share breaks the symmetry, then a mean."""
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 4, 3, padding=1)
    with torch.no_grad():
        even = sum(conv.weight.rot90(k, (2, 3)) for k in range(4)) / 4
        conv.weight.copy_(even + share * (conv.weight - even))
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def found(share: float, **options):
    torch.manual_seed(0)
    return audit(blend(share), torch.rand(6, 1, 8, 8), in_field=FIELD, **{**QUICK, **options})


def test_junit_has_one_case_a_family_and_one_a_layer(tmp_path):
    result = found(1.0)
    root = ElementTree.parse(result.save(tmp_path / "x.xml")).getroot()
    names = [(c.get("classname").rsplit(".", 1)[1], c.get("name")) for c in root.iter("testcase")]
    assert len(names) == len(set(names))
    assert [n for kind, n in names if kind == "family"] == [f.name for f in result.families]
    assert [n for kind, n in names if kind == "layer"] == [row.name for row in result.layers]
    failed = {c.get("name"): c.find("failure") for c in root.iter("testcase") if c.find("failure") is not None}
    assert set(failed) == {"C4", "0"}
    assert "Fix" in failed["0"].get("message")
    for suite in root.iter("testsuite"):
        own = list(suite.iter("testcase"))
        assert int(suite.get("tests")) == len(own)
        assert int(suite.get("failures")) == sum(c.find("failure") is not None for c in own)
        assert int(suite.get("skipped")) == sum(c.find("skipped") is not None for c in own)
    assert int(root.get("failures")) == 2
    assert {p.get("name"): p.get("value") for p in root.iter("property")}["dtype"] == "float32"


def test_junit_of_what_is_right_has_no_failure():
    root = ElementTree.fromstring(junit(found(0.0)).split("\n", 1)[1])
    assert root.get("failures") == "0"
    undeclared = [c for c in root.iter("testcase") if c.get("name") == "rotation"]
    assert undeclared
    assert all(c.find("skipped") is not None for c in undeclared)


def test_junit_follows_the_largest_error_like_require():
    result = found(0.05)
    assert result.verdict != "exact"
    for limit in (result.max_error * 0.9, result.max_error * 1.1):
        root = ElementTree.fromstring(junit(result, limit).split("\n", 1)[1])
        fails = False
        try:
            result.require(limit)
        except EquivarianceError:
            fails = True
        assert (root.get("failures") != "0") == fails


def test_junit_survives_strange_names(tmp_path):
    class Strange(nn.Module):
        def forward(self, x):
            return x.flip(3)

    net = nn.Sequential()
    net.add_module("a<b>&\"'\x07\ud800", Strange())
    result = audit(net, torch.rand(4, 1, 6, 6), in_field=FIELD, **QUICK)
    root = ElementTree.parse(result.save(tmp_path / "x.xml")).getroot()
    assert any((c.get("name") or "").startswith("a<b>&") for c in root.iter("testcase"))


def test_a_baseline_holds_tightens_and_never_loosens(tmp_path):
    path = tmp_path / "deep" / "base.json"
    worse, better = found(0.4), found(0.2)
    with pytest.raises(DataError, match="there is no baseline"):
        hold_baseline(worse, path)
    assert hold_baseline(worse, path, update=True) == [f"{path} written"]
    first = path.read_text()
    assert json.loads(first)["layers"]["0"] == pytest.approx(worse.culprits[0].intrinsic, rel=0.01)
    assert hold_baseline(worse, path) == []
    assert path.read_text() == first
    gains = hold_baseline(better, path)
    assert any("layer 0" in g for g in gains)
    assert "keeps" in gains[-1]
    assert path.read_text() == first  # only when asked
    hold_baseline(better, path, update=True)
    second = path.read_text()
    assert second != first
    for update in (False, True):
        with pytest.raises(EquivarianceError, match=r"family C4.*\n.*layer 0.*Fix"):
            hold_baseline(worse, path, update=update)
        assert path.read_text() == second
    assert sorted(p.name for p in path.parent.iterdir()) == ["base.json"]


def test_noise_within_the_tolerance_changes_nothing(tmp_path):
    path = tmp_path / "base.json"
    hold_baseline(found(0.4), path, update=True)
    text = path.read_text()
    for share in (0.395, 0.405):
        assert hold_baseline(found(share), path, update=True) == []
        assert path.read_text() == text


def test_a_new_guilty_layer_is_caught_though_the_family_stays():
    old, new = baseline_of(found(0.4)), found(0.4)
    del old.layers["0"]
    failed = [c for c in checks(new, None, old) if not c.passed]
    assert [(c.kind, c.name) for c in failed] == [("layer", "0")]


def test_an_exact_network_has_a_baseline_of_zeros_which_a_broken_one_fails(tmp_path):
    path = tmp_path / "base.json"
    torch.manual_seed(0)
    x = torch.rand(6, 1, 8, 8)
    exact = audit(derive(FIELD, Classify(3), "tiny"), x, **QUICK)
    hold_baseline(exact, path, update=True)
    old = read_baseline(path)
    assert set(old.families.values()) == {0.0}
    hold_baseline(exact, path)
    with pytest.raises(EquivarianceError, match="less well"):
        hold_baseline(found(0.4), path)


def test_a_random_network_fails_a_steady_baseline():
    class Noisy(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x, 0.5, training=True).mean((2, 3))

    noisy = audit(Noisy(), torch.rand(6, 1, 8, 8), in_field=FIELD, **QUICK)
    assert "network" in {c.kind for c in checks(noisy, None, baseline_of(found(0.0))) if not c.passed}


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "damaged"), ("[]", "damaged"), ('{"format": "other"}', "not a baseline"), (None, "damaged")],
)
def test_damaged_baselines_are_said(tmp_path, text, words):
    path = tmp_path / "base.json"
    hold_baseline(found(0.4), path, update=True)
    if text is None:
        path.write_text(path.read_text().replace('"layers"', '"lawyers"'))
    else:
        path.write_text(text)
    with pytest.raises(DataError, match=words):
        hold_baseline(found(0.4), path)


def test_baselines_of_other_settings_are_refused(tmp_path):
    path = tmp_path / "base.json"
    hold_baseline(found(0.4), path, update=True)
    with pytest.raises(DataError, match="seed 0 there, 3 here"):
        hold_baseline(found(0.4, seed=3), path)
    with pytest.raises(DataError, match="float32 there, float64 here"):
        hold_baseline(found(0.4, dtype=torch.float64), path)


def test_infinite_errors_make_no_baseline(tmp_path):
    class Undefined(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)) / 0

    result = audit(Undefined(), torch.rand(6, 1, 8, 8), in_field=FIELD, **QUICK)
    with pytest.raises(EquivarianceError, match="infinite"):
        hold_baseline(result, tmp_path / "base.json", update=True)
    assert not (tmp_path / "base.json").exists()


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(FieldError, match=r"\.json, \.xml or \.html"):
        found(0.0).save(tmp_path / "x.txt")


TESTS = """
import torch
from torch import nn
from erlangen.grids import Grid

FIELD = Grid(2).field("C4", "1 trivial")
QUICK = dict(in_field=FIELD, continuous=False, stability=False, samples=4)

def net(share):
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 4, 3, padding=1)
    with torch.no_grad():
        even = sum(conv.weight.rot90(k, (2, 3)) for k in range(4)) / 4
        conv.weight.copy_(even + share * (conv.weight - even))
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))

def test_right(audit_equivariance):
    assert audit_equivariance(net(0), x, **QUICK).verdict == "exact"

def test_wrong(audit_equivariance):
    audit_equivariance(net(1), x, **QUICK)

def test_nearly(audit_equivariance):
    audit_equivariance(net(1), x, max_error=10.0, **QUICK)

def test_held(audit_equivariance):
    audit_equivariance(net(1), x, baseline="held.json", **QUICK)
"""


def test_the_fixture(pytester):
    pytester.makeconftest('pytest_plugins = ["erlangen.pytest"]')
    pytester.makepyfile(TESTS)
    first = pytester.runpytest("-p", "no:cacheprovider", "--junitxml=r.xml")
    first.assert_outcomes(passed=2, failed=2)
    first.stdout.fnmatch_lines(
        ["*EquivarianceError: audit of Sequential failed at 0 (Conv2d)*", "*there is no baseline*"]
    )
    assert "erlangen verdict" in (pytester.path / "r.xml").read_text()
    pytester.runpytest("-p", "no:cacheprovider", "--update-baselines", "-k", "held").assert_outcomes(passed=1)
    pytester.runpytest("-p", "no:cacheprovider", "-k", "held").assert_outcomes(passed=1)
    held = pytester.path / "held.json"
    kept = json.loads(held.read_text())
    held.write_text(json.dumps({**kept, "families": {"C4": kept["families"]["C4"] / 2}}))
    last = pytester.runpytest("-p", "no:cacheprovider", "-k", "held", "--update-baselines")
    last.assert_outcomes(failed=1)
    last.stdout.fnmatch_lines(["*less well than its baseline*"])
