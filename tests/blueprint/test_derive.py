"""`derive` follows the blueprint on a domain it has never seen."""

import copy
import json
import pickle

import pytest
import torch
from ring import Double, Halve, Head, Mix, Relu, Ring, Scale

from erlangen.blueprint import (
    Branch,
    Classify,
    Network,
    Predict,
    Regress,
    Segment,
    Sequential,
    derive,
    network_from,
    plan_of,
)
from erlangen.errors import FieldError, UnknownName
from erlangen.testing import check

FIELD = Ring(16).field(None, "2 trivial")
RUNS = (
    "output",
    "equivariance in float32",
    "equivariance in float64",
    "deepcopy",
    "pickle",
    "state_dict",
    "zeros",
    "batch",
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def leaf_types(network: Network) -> list[type]:
    return [type(leaf) for _, leaf in network.leaves()]


def test_an_invariant_task_is_a_straight_line() -> None:
    network = derive(FIELD, Classify(5))
    block = [Mix, Scale, Relu]
    assert leaf_types(network) == [*block, Halve, *block, Halve, *block, Head]
    assert network.in_field == FIELD
    assert str(network.out_field) == "5 trivial of D1 on Point()"
    assert [str(leaf.out_field.rep) for _, leaf in network.leaves() if isinstance(leaf, Mix)] == [
        "2 regular",
        "3 regular",
        "4 regular",
    ]
    assert [leaf.mark for _, leaf in network.leaves() if isinstance(leaf, Mix)] == ["a", "b", "c"]
    assert [leaf.in_field.space.level for _, leaf in network.leaves() if isinstance(leaf, Mix)] == [0, 1, 2]
    assert network(torch.randn(3, 2, 16)).shape == (3, 5)
    check(network, shape=(16,), only=RUNS)


def test_a_dense_task_is_a_u() -> None:
    network = derive(FIELD, Segment(5))
    kinds = leaf_types(network)
    assert kinds.count(Halve) == kinds.count(Double) == 2
    assert sum(isinstance(m, Branch) for m in network.modules()) == 2
    assert network.out_field.space == FIELD.space
    assert network(torch.randn(3, 2, 16)).shape == (3, 5, 16)
    check(network, shape=(16,), only=RUNS)


@pytest.mark.parametrize("task", [Regress(2), Predict("1 regular"), Predict("3 trivial")])
def test_outputs_carry_what_the_task_says(task: "Regress | Predict") -> None:
    network = derive(FIELD, task)
    assert network.out_field.rep == task.out_rep(FIELD.group)
    check(network, shape=(8,), only=RUNS[:3])


def test_the_dials() -> None:
    assert [str(leaf.out_field.rep) for _, leaf in derive(FIELD, Classify(2), width=2.0).leaves()][:1] == ["4 regular"]
    assert leaf_types(derive(FIELD, Classify(2), depth=1)) == [Mix, Scale, Relu, Head]
    deep = derive(FIELD, Classify(2), depth=5)
    assert leaf_types(deep).count(Mix) == 5
    assert leaf_types(deep).count(Halve) == 2
    assert leaf_types(derive(FIELD, Segment(2), depth=2)).count(Double) == 1
    assert leaf_types(derive(FIELD, Classify(2), "bare", depth=4)).count(Mix) == 4
    trivial = derive(FIELD, Classify(2), widths=[3], coarsen_after=[], hidden="trivial", dropout=0.25, pooled="mean")
    assert [str(leaf.out_field.rep) for _, leaf in trivial.leaves()] == ["3 trivial"] * 3 + ["2 trivial"]
    assert trivial.steps[-1].dropout == 0.25
    with pytest.raises(FieldError, match="at least one block"):
        derive(FIELD, Classify(2), depth=0)


def test_coarsening_before_the_first_block() -> None:
    assert leaf_types(derive(FIELD, Classify(2), depth=1, coarsen_after=(-1,))) == [Halve, Mix, Scale, Relu, Head]
    dense = derive(FIELD, Segment(2), depth=1, coarsen_after=(-1,))
    assert leaf_types(dense)[:4] == [Halve, Mix, Scale, Relu]
    fine = [name for name, _, at in dense.trace_shapes((16,)) if at == (16,)]
    assert fine == ["steps.0.inner.steps.0", "steps.0.refine", "steps.0.fuse"]  # no block: the head sees both paths
    assert dense(torch.randn(2, FIELD.size, 16)).shape == (2, 2, 16)


def test_what_is_no_field_or_task_is_refused() -> None:
    with pytest.raises(FieldError, match=r"needs a field, got Ring.*space\.field"):
        derive(Ring(16), Classify(2))  # type: ignore[arg-type]
    with pytest.raises(FieldError, match="needs a task, got 'classify'"):
        derive(FIELD, "classify")  # type: ignore[arg-type]


@pytest.mark.parametrize("task", [Classify(3, 0.1), Regress(2), Segment(4), Predict("1 regular")])
@pytest.mark.parametrize(
    "options", [{}, {"widths": (4, 8), "coarsen_after": (0,), "dropout": 0.5}, {"coarsen_after": (-1, 0)}]
)
def test_declarations_round_trip_through_json(task: "Classify", options: dict) -> None:
    network = derive(FIELD, task, width=1.5, depth=2, **options)
    again = network_from(json.loads(json.dumps(network.declaration)))
    assert again.task == task
    assert (again.in_field, again.out_field) == (network.in_field, network.out_field)
    assert repr(again) == repr(network)
    again.load_state_dict(network.state_dict())
    x = torch.randn(2, 2, 16)
    assert torch.equal(again(x), network(x))
    assert json.dumps(again.declaration) == json.dumps(network.declaration)


def test_declarations_that_cannot_be_read() -> None:
    good = derive(FIELD, Classify(3)).declaration
    with pytest.raises(UnknownName, match=r"unknown domain 'rink'.*Did you mean 'ring'"):
        network_from({**good, "space": {"domain": "rink"}})
    with pytest.raises(UnknownName, match="unknown task"):
        network_from({**good, "task": {"task": "classification"}})
    with pytest.raises(FieldError, match="klasses"):
        network_from({**good, "task": {"task": "classify", "klasses": 3}})


def test_networks_survive_pickle_and_copy() -> None:
    network = derive(FIELD, Classify(3))
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert other.declaration == network.declaration
        assert other.task == network.task
        assert str(other.plan) == str(network.plan)


def test_the_plan() -> None:
    network = derive(FIELD, Classify(5))
    plan = network.plan
    assert plan.parameters == sum(p.numel() for p in network.parameters())
    assert plan.multiplications == network.multiplications((16,))
    assert [row.shape for row in plan.rows] == [(16,)] * 3 + [(8,)] * 4 + [(4,)] * 4 + [()]
    assert [path for path, _ in network.leaves()] == [row.path for row in plan.rows]
    assert all(
        network.get_submodule(row.path) is leaf for row, (_, leaf) in zip(plan.rows, network.leaves(), strict=True)
    )
    assert plan.exact
    assert plan.rows[-1].law == "f(g·x) = f(x)"
    assert plan.rows[0].law == "f(g·x) = g·f(x)"
    data = json.loads(json.dumps(plan.to_dict()))
    assert data["parameters"] == plan.parameters
    assert len(data["rows"]) == len(plan.rows)
    text = str(plan)
    assert text.splitlines()[0] == plan.title
    for word in (
        "layer",
        "field",
        "law",
        "exact when",
        "parameters",
        "multiplications",
        "total",
        f"{plan.parameters:,}",
    ):
        assert word in text
    assert len({len(line.rstrip()) <= 200 for line in text.splitlines()}) == 1


def test_the_plan_says_where_exactness_ends() -> None:
    network = derive(FIELD, Classify(5))
    plan = network.plan_at((10,))
    assert not plan.exact  # 10 → 5, which cannot be halved
    assert [row.exact for row in plan.rows].count(False) == 1
    assert "NOT EXACT: even sizes" in str(plan)
    assert network.exact_when((10,)) == (False, "even sizes")
    assert network.exact_when((16,)) == (True, "even sizes")
    dense = derive(FIELD, Segment(2))
    assert not dense.plan_at((10,)).exact
    assert dense.exact_when((10,))[0] is False
    assert plan_of(dense).multiplications == dense.multiplications((16,))


def test_plan_of_a_hand_made_chain() -> None:
    hidden = FIELD.with_rep("3 regular")
    chain = Sequential(Mix(FIELD, hidden), Relu(hidden))
    assert plan_of(chain, (4,), "mine").title == "mine"
    assert plan_of(chain).shape == (16,)
    assert len(plan_of(chain).rows) == len(chain) == 2
