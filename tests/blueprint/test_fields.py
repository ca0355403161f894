"""Fields, chains, branches, tasks and spaces."""

import pytest
import torch
from ring import Double, Halve, Mix, Relu, Ring

from erlangen.blueprint import (
    Branch,
    Classify,
    EquivariantModule,
    Field,
    Predict,
    Regress,
    Segment,
    Sequential,
    Task,
    check_channels,
    space_from,
    task_from,
)
from erlangen.blueprint.derive import plain_copy
from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.point import Point
from erlangen.symmetry import C, Permutations

FIELD = Ring(8).field(None, "2 trivial")


def test_fields() -> None:
    assert FIELD == Ring(8).field("Z2", 2)
    assert FIELD != Ring(10).field("Z2", 2)
    assert hash(FIELD) == hash(Ring(8).field("Z2", 2))
    assert FIELD.size == 2
    assert repr(FIELD.with_rep("1 regular")) == "1 regular of D1 on Ring(8, level 0)"
    x = torch.randn(1, 2, 8)
    assert torch.equal(FIELD.act(1, x), x.flip(-1))
    assert torch.equal(FIELD.with_rep("1 regular").act(1, x), x.flip(-1).flip(1))
    with pytest.raises(DomainError, match="a ring has D1, not C4"):
        Ring(8).field("C4", 1)
    with pytest.raises(DomainError, match="C4"):
        Ring(8).field(C(4), 1)
    with pytest.raises(UnknownName):
        Ring(8).field(None, "1 vector")


def test_a_chain_that_does_not_fit_names_both_ends_and_the_fix() -> None:
    regular = FIELD.with_rep("2 regular")
    with pytest.raises(FieldError) as error:
        Sequential(Mix(FIELD, regular), Relu(regular), Mix(FIELD, regular))
    text = str(error.value)
    for part in ("step 2 (Mix)", "step 1 (Relu)", "2 trivial of D1", "2 regular of D1", "Fix:"):
        assert part in text
    with pytest.raises(FieldError, match="at least one module"):
        Sequential()
    coarse = Halve(FIELD, Field(Ring(4, 1), FIELD.rep))
    with pytest.raises(FieldError, match=r"Ring\(8, level 0\).*Ring\(4, level 1\)"):
        Sequential(coarse, Relu(FIELD))


def test_chains_compose() -> None:
    regular = FIELD.with_rep("2 regular")
    inner = Sequential(Mix(FIELD, regular), Relu(regular))
    outer = Sequential(inner, Sequential(Relu(regular)))
    assert [path for path, _ in outer.leaves()] == ["steps.0.steps.0", "steps.0.steps.1", "steps.1.steps.0"]
    x = torch.randn(2, 2, 8)
    assert torch.equal(outer(x), inner(x).relu())
    assert outer.out_shape((8,)) == (8,)
    assert isinstance(outer[0], Sequential)
    assert (outer.in_field, outer.out_field) == (FIELD, regular)
    exported = Sequential(Relu(FIELD), Relu(FIELD)).export()
    assert not any(isinstance(m, EquivariantModule) for m in exported.modules())
    assert torch.equal(exported(x), x.relu())
    with pytest.raises(NotImplementedError, match="Mix has no plain-torch form"):
        inner.export()
    assert isinstance(plain_copy(Sequential(Relu(FIELD)))[0], torch.nn.ReLU)
    with pytest.raises(FieldError, match="not an EquivariantModule"):
        plain_copy(torch.nn.Linear(1, 1))


def test_branches() -> None:
    coarse = Field(Ring(4, 1), FIELD.rep)
    fine = Double(coarse, FIELD)
    fuse = Mix(FIELD.with_rep("4 trivial"), FIELD)
    branch = Branch(Halve(FIELD, coarse), fine, fuse)
    x = torch.randn(2, 2, 8)
    detour = x.unflatten(-1, (-1, 2)).mean(-1).repeat_interleave(2, -1)
    assert torch.equal(branch(x), fuse(torch.cat([x, detour], 1)))
    assert [path for path, _ in branch.leaves()] == ["inner", "refine", "fuse"]
    assert branch.exact_when((6,))[0]
    assert not branch.exact_when((7,))[0]
    assert branch.multiplications((8,)) == fuse.multiplications((8,))
    with pytest.raises(FieldError, match=r"fuse expects 2 trivial, the skip and the detour give 4 trivial"):
        Branch(Halve(FIELD, coarse), fine, Mix(FIELD, FIELD))


def test_channel_errors_teach() -> None:
    field = Ring(8).field(None, "4 regular")
    check_channels(field, 8, "Mix")
    with pytest.raises(FieldError, match=r"Mix expects 4 regular of D1 \(8 channels\), got 6 channels = 3 regular"):
        check_channels(field, 6, "Mix")
    with pytest.raises(FieldError, match=r"got 7 channels\. Fix"):
        check_channels(field, 7, "Mix")


def test_losses() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.5, 1.0]])
    labels = torch.tensor([0, 0])
    expected = torch.nn.functional.cross_entropy(logits, labels)
    assert torch.allclose(Classify(2).loss(logits, labels), expected)
    assert Classify(2).loss(logits.bfloat16(), labels).dtype == torch.float32
    assert Classify(2, label_smoothing=0.5).loss(logits, labels) != expected
    assert Regress(2).loss(logits, torch.zeros(2, 2)) == 5.25 / 4
    assert Regress(1).loss(torch.ones(3, 1), torch.zeros(3)) == 1.0
    assert Predict("1 regular").loss(torch.ones(2, 2, 5), torch.zeros(2, 2, 5, dtype=torch.float64)) == 1.0


def test_points_without_a_label_are_left_out() -> None:
    task = Segment(2)
    logits = torch.randn(2, 2, 4, requires_grad=True)
    labels = torch.tensor([[0, 1, -1, -1], [1, -1, -1, -1]])
    known = labels != -1
    expected = torch.nn.functional.cross_entropy(logits.movedim(1, -1)[known], labels[known])
    assert torch.allclose(task.loss(logits, labels), expected)
    nothing = task.loss(logits, torch.full((2, 4), -1))
    assert nothing == 0.0
    nothing.backward()
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("task", [Classify(10), Classify(2, 0.1), Regress(), Segment(3), Predict("2 standard")])
def test_tasks_round_trip(task: Task) -> None:
    assert task_from(task.describe()) == task
    assert hash(task_from(task.describe())) == hash(task)


def test_unknown_tasks() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'classify'"):
        task_from({"task": "clasify"})
    with pytest.raises(UnknownName, match="unknown task None"):
        task_from({})
    with pytest.raises(FieldError, match="task 'classify'"):
        task_from({"task": "classify"})
    with pytest.raises(FieldError, match="at least one class"):
        Classify(-1)


def test_spaces_by_description() -> None:
    assert space_from(Ring(12).describe()) == Ring(12)
    assert space_from(Point().describe()) == Point()
    assert Ring(12) != Point()
    with pytest.raises(UnknownName, match=r"unknown domain 'rings'\. Known: .*Did you mean 'ring'"):
        space_from({"domain": "rings"})
    with pytest.raises(UnknownName, match="unknown domain None"):
        space_from({})


def test_points() -> None:
    field = Point().field("D4", "1 standard + 1 trivial")
    x = torch.randn(2, 3)
    assert torch.equal(field.act(4, x), x * torch.tensor([-1.0, 1.0, 1.0]))
    assert Point().sample_signal(field).shape == (2, 3)
    assert Point().field(Permutations(), 3).size == 3
    actions = Point().actions(field.group, x)
    assert [a.label for a in actions if a.generator] == ["r90", "m"]
    assert len(actions) == 7  # all but the identity
    action = actions[0]
    assert torch.equal(action.move(x, field.rep), field.act(1, x))
    with pytest.raises(DomainError, match="cannot be coarsened"):
        Point().coarsen(field)
    with pytest.raises(DomainError, match="no refinement"):
        Point().refine(field)
    with pytest.raises(DomainError, match="cannot join"):
        Point().concatenate(x, x)
