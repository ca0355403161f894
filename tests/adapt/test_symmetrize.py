"""`symmetrize`: every method obeys the law on every domain and kind of output, and says what it costs."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import erlangen as eg
from erlangen.adapt import Symmetrized, symmetrize, symmetrized_from
from erlangen.blueprint import Field
from erlangen.errors import DomainError, FieldError, UnknownName

FINITE = ("average", "canonical", "weighted")
IMAGE = eg.Grid(2, (6, 6)).field("D4")
COLOURED = eg.Grid(2, (6, 6)).field("C4", "trivial + standard")
LETTERS = eg.Strand(20).field("RC", "letters")
HEXAGONS = eg.HexGrid(2).field("D6")
VOLUME = eg.Grid(3, (4, 4, 4)).field("O")
VECTOR = eg.Point().field("D4", "2 standard + trivial")


class Flat(nn.Module):
    """Sees every number at its place, so it has no symmetry; answers with numbers, or with a map."""

    def __init__(self, field: Field, outputs: int, dense: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.shape = field.space.nominal_shape() if dense else ()
        x = field.space.sample_signal(field, 1)
        size = outputs * int(torch.tensor(self.shape).prod()) if self.shape else outputs
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(x.numel(), 16), nn.Tanh(), nn.Linear(16, size)).double()
        self.outputs = outputs
        self.calls: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.calls.append(len(x))
        y = self.net(x)
        return y.reshape(len(x), self.outputs, *self.shape) if self.shape else y


def samples(field: Field, batch: int = 5) -> Tensor:
    return field.space.sample_signal(field, batch, torch.Generator().manual_seed(1)).double()


def largest_error(model: Symmetrized, x: Tensor, elements: Any = None) -> float:
    """max |F(g·x) - g·F(x)|."""
    here, group = model(x), model.in_field.group
    elements = group.elements if elements is None else elements
    return max(
        float((model(model.in_field.act(g, x)) - model.out_field.act(g, here)).detach().abs().max()) for g in elements
    )


def own_error(model: nn.Module, made: Symmetrized, x: Tensor) -> float:
    with torch.no_grad():
        y = model(x)
        return max(
            float((model(made.in_field.act(g, x)) - made.out_field.act(g, y)).abs().max())
            for g in made.in_field.group.elements
        )


@pytest.mark.parametrize("method", FINITE)
@pytest.mark.parametrize(
    ("field", "task"),
    [
        (IMAGE, eg.Classify(3)),
        (IMAGE, eg.Segment(2)),
        (IMAGE, eg.Predict("standard")),
        (IMAGE, eg.Count("regular")),
        (COLOURED, eg.Classify(2)),
        (COLOURED, eg.Predict("regular")),
        (LETTERS, eg.Classify(2)),
        (LETTERS, eg.Classify(2, rep="regular")),
        (LETTERS, eg.Profile("regular + trivial")),
        (LETTERS, eg.Predict("letters")),
        (HEXAGONS, eg.Classify(2)),
        (VOLUME, eg.Regress(2)),
        (VOLUME, eg.Segment(2)),
    ],
    ids=lambda v: v.name if hasattr(v, "name") else str(v.space),
)
def test_finite_groups(field: Field, task: Any, method: str) -> None:
    model = Flat(field, task.out_rep(field.group).size, task.dense)
    made, x = symmetrize(model, field, method, task=task), samples(field)
    assert largest_error(made, x) <= 1e-12
    assert own_error(model, made, x) > 1e-2
    assert made.exact
    assert made.cost == (1 if method == "canonical" else field.group.order)
    assert made(x[:0]).shape == made(x)[:0].shape
    assert f"cost ×{made.cost:g}" in repr(made)
    assert made.exact_when((6, 6)) == (True, made.orbit.reason)
    assert ("versions, by their scores" in made.orbit.reason) == (method != "average")


@pytest.mark.parametrize("method", FINITE)
def test_vectors_of_a_finite_group(method: str) -> None:
    model = Flat(VECTOR, 2, False)
    made = symmetrize(model, VECTOR, method, out_field=VECTOR.with_rep("standard"))
    assert largest_error(made, samples(VECTOR)) <= 1e-12


def test_the_values_are_those_of_the_formulas() -> None:
    model, x = Flat(IMAGE, 3, False), samples(IMAGE)
    group = IMAGE.group
    versions = torch.stack([model(IMAGE.act(group.inverse(g), x)) for g in group.elements], 1)
    assert torch.allclose(symmetrize(model, IMAGE, "average")(x), versions.mean(1))
    canonical = symmetrize(model, IMAGE, "canonical")
    best = canonical.orbit.scores(x).argmax(1)
    assert torch.allclose(canonical(x), versions[torch.arange(5), best])
    weighted = symmetrize(model, IMAGE, "weighted", temperature=0.05)
    weights = (weighted.orbit.scores(x) / 0.05).softmax(1)
    assert torch.allclose(weighted(x), (weights[..., None] * versions).sum(1))
    cold = symmetrize(model, IMAGE, "weighted", temperature=1e-6)
    assert torch.allclose(cold(x), canonical(x), atol=1e-9)


def test_a_network_with_the_symmetry_keeps_its_values() -> None:
    net = eg.derive(IMAGE, eg.Classify(3), "tiny").double().eval()
    x = samples(IMAGE)
    for method in FINITE:
        assert torch.allclose(symmetrize(net, IMAGE, method)(x), net(x), atol=1e-10)


@pytest.mark.parametrize("method", FINITE)
def test_chunks_change_nothing_but_the_batches(method: str) -> None:
    model, x = Flat(IMAGE, 3, False), samples(IMAGE)
    whole = symmetrize(model, IMAGE, method)(x)
    for chunk in (1, 3, 100):
        model.calls.clear()
        assert torch.allclose(symmetrize(model, IMAGE, method, chunk=chunk, task=eg.Classify(3))(x), whole, atol=1e-14)
        assert max(model.calls) <= min(chunk, 8) * len(x)
        assert sum(model.calls) == (len(x) if method == "canonical" else 8 * len(x))


@pytest.mark.parametrize("method", FINITE)
def test_gradients_flow_unless_frozen(method: str) -> None:
    x = samples(IMAGE).requires_grad_()
    model = Flat(IMAGE, 3, False)
    symmetrize(model, IMAGE, method)(x).square().sum().backward()
    assert x.grad is not None
    assert all(p.grad is not None and bool(p.grad.any()) for p in model.parameters())
    frozen = symmetrize(Flat(IMAGE, 3, False), IMAGE, method, frozen=True)
    assert not any(p.requires_grad for p in frozen.model.parameters())
    again = samples(IMAGE).requires_grad_()
    frozen(again).square().sum().backward()
    assert torch.allclose(again.grad, x.grad)
    assert frozen.training
    assert not frozen.train().model.training


def test_symmetrised_networks_train_and_frozen_ones_stay() -> None:
    data = eg.data.load("motifs", train=32, test=8, length=20)
    net = nn.Sequential(nn.Conv1d(4, 4, 5), nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 2))
    before = copy.deepcopy(net.state_dict())
    score = nn.Sequential(nn.Flatten(), nn.Linear(80, 1))
    at_first = copy.deepcopy(score.state_dict())
    made = symmetrize(net, data.field(), "weighted", task=data.task, frozen=True, score=score)
    eg.fit(made, data, epochs=1, batch_size=8, progress=False)
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert not torch.equal(score[1].weight, at_first["1.weight"])
    eg.fit(symmetrize(net.requires_grad_(), data.field(), task=data.task), data, epochs=1, progress=False)
    assert not torch.equal(net[3].weight, before["3.weight"])


def test_the_mode_of_the_network_is_kept() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 2)).eval()
    assert not symmetrize(net, IMAGE, task=eg.Classify(2)).training
    assert symmetrize(net.train(), IMAGE, task=eg.Classify(2)).training


@pytest.mark.parametrize("method", FINITE)
def test_copies_and_files(method: str, tmp_path) -> None:
    model, x = Flat(IMAGE, 3, False), samples(IMAGE)
    made = symmetrize(model, IMAGE, method)
    for twin in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert torch.equal(twin(x), made(x))
    other = symmetrize(Flat(IMAGE, 3, False), IMAGE, method)
    for p in other.parameters():
        nn.init.zeros_(p)
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(x), made(x))
    assert list(made.state_dict()) == [f"model.{name}" for name in model.state_dict()]
    again = symmetrized_from(pickle.loads(pickle.dumps(made.declaration)), model)
    assert torch.equal(again(x), made(x))
    assert (again.method, again.cost, again.out_field) == (made.method, made.cost, made.out_field)


def test_symmetric_images_tie_and_stay_exact() -> None:
    """Of a symmetric image, several versions are equal; an equivariant answer must be averaged over them."""
    model = Flat(IMAGE, 2, True)
    made = symmetrize(model, IMAGE, "canonical", task=eg.Predict("standard"))
    x = samples(IMAGE, 3)
    x[0] = torch.ones(1, 6, 6)
    x[1] = x[1] + x[1].flip(2)  # a mirror
    here = made(x)
    assert (made.degenerate, made.seen, made.unresolved) == (2, 3, 0)
    assert "2 of 3 inputs degenerate" in repr(made)
    for g in IMAGE.group.elements:
        assert torch.allclose(made(IMAGE.act(g, x)), made.out_field.act(g, here), atol=1e-12)
    swap = next(g for g in IMAGE.group.elements if g and torch.equal(IMAGE.act(g, x[1:2]), x[1:2]))
    assert torch.allclose(made.out_field.act(swap, here[1:2]), here[1:2], atol=1e-12)
    balanced = symmetrize(Flat(IMAGE, 3, False), IMAGE, "canonical")
    y = samples(IMAGE, 4)
    y = y + y.flip(2, 3)  # balanced about the centre: r180 and the identity tie
    assert largest_error(balanced, y) <= 1e-12
    assert balanced.degenerate == balanced.seen > 0
    assert torch.isfinite(balanced(torch.zeros_like(y))).all()


def test_scores_of_ones_own() -> None:
    x, model = samples(IMAGE), Flat(IMAGE, 3, False)

    class Corner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, 0, 0, 1]

    for method in ("canonical", "weighted"):
        assert largest_error(symmetrize(model, IMAGE, method, score=Corner()), x) <= 1e-12
    read = symmetrize(model, IMAGE, "canonical", score=Corner())
    assert read.declaration is None
    regular = eg.derive(LETTERS, eg.Classify(2, rep="regular"), "tiny").double().eval()
    flat, strands = Flat(LETTERS, 2, False), samples(LETTERS)
    for method in ("canonical", "weighted"):
        made = symmetrize(flat, LETTERS, method, score=regular)
        assert largest_error(made, strands) <= 1e-9
        direct = flat(strands), flat(LETTERS.act(1, strands))
        chosen = regular(strands).argmax(1)
        if method == "canonical":
            assert torch.allclose(made(strands), torch.where(chosen[:, None] == 0, *direct), atol=1e-12)
    with pytest.raises(DomainError, match="must end in its regular representation"):
        symmetrize(flat, LETTERS, "canonical", score=eg.derive(LETTERS, eg.Classify(2), "tiny"))


def test_elements_that_interpolate_make_it_approximate() -> None:
    made = symmetrize(Flat(IMAGE, 2, False), eg.Grid(2, (6, 6)).field("C8"))
    assert made.method == "average"
    assert not made.exact
    assert "4 of the 8 elements of C8 interpolate" in repr(made)
    turns = symmetrize(Flat(IMAGE, 2, False), eg.Grid(2, (6, 6)).field("SO(2)"), samples=8)
    assert not turns.exact
    assert "8 elements at equal angles stand for all of SO(2)" in repr(turns)
    x = samples(IMAGE)
    quarter = IMAGE.act(1, x)
    assert torch.allclose(turns(quarter), turns(x), atol=1e-6)  # 90° is among them


def test_samples_of_an_infinite_group_approach_it() -> None:
    field = eg.Point().field("SO(3)", "3 standard")
    model, x = Flat(field, 2, False), samples(field)
    g = field.group.sample(3, torch.Generator().manual_seed(9))
    errors = [largest_error(symmetrize(model, field, "average", samples=n), x, g) for n in (4, 1024)]
    assert errors[1] < 0.3 * errors[0]
    made = symmetrize(model, field, "average", samples=4)
    assert not made.exact
    assert torch.equal(made(x), symmetrize(model, field, "average", samples=4)(x))
    assert not torch.equal(made(x), symmetrize(model, field, "average", samples=4, seed=1)(x))


def test_auto_says_why() -> None:
    assert symmetrize(Flat(IMAGE, 2, False), IMAGE).method == "average"
    assert "8 passes are few" in symmetrize(Flat(IMAGE, 2, False), IMAGE).why
    volume = symmetrize(Flat(VOLUME, 2, False), VOLUME)
    assert (volume.method, volume.why) == ("canonical", "an average would take 24 passes")
    turned = eg.Point().field("O(3)", "3 standard")
    assert symmetrize(Flat(turned, 2, False), turned).method == "frames"
    many = eg.Point().field("O(5)", "6 standard")
    assert symmetrize(Flat(many, 2, False), many).method == "canonical"
    unitary = eg.Point().field("Sp(4)", "standard")
    with pytest.raises(DomainError, match="not compact"):
        symmetrize(Flat(unitary, 2, False), unitary)


def test_what_is_not_declared_is_guessed_and_said() -> None:
    model, x = Flat(IMAGE, 2, True), samples(IMAGE)
    made = symmetrize(model, "D4", data=x)
    assert made.out_field == IMAGE.with_rep("2 trivial")
    assert len(made.assumed) == 2
    assert "the output is a map of 2 trivial channels that moves with the input" in repr(made)
    assert symmetrize(model, "D4", data=x, task=eg.Segment(2)).assumed == made.assumed[:1]
    vectors = symmetrize(Flat(VECTOR, 2, False), "SO(2)", data=torch.randn(2, 4), out_field=None, task=eg.Regress(2))
    assert "2 standard of SO(2)" in vectors.assumed[0]
    strand = symmetrize(Flat(LETTERS, 2, False), "RC", data=samples(LETTERS))
    assert strand.in_field == LETTERS
    data = eg.data.load("motifs", train=8, test=8, length=20)
    declared = symmetrize(Flat(LETTERS, 2, False), data=data)
    assert declared.in_field == LETTERS
    assert declared.assumed == ()
    plain = eg.derive(eg.Grid(2, (6, 6)).field("C1"), eg.Classify(2), "tiny")
    assert symmetrize(plain, "D4").task == eg.Classify(2)


class Mapping(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.net = kind, Flat(IMAGE, 2, False)

    def forward(self, x: Tensor) -> Any:
        y = self.net(x)
        if self.kind == "text":
            return "nothing"
        return {"dict": {"hidden": x, "logits": y}, "tuple": (y, x), "list": [y]}[self.kind]


@pytest.mark.parametrize("kind", ["dict", "tuple", "list"])
def test_outputs_of_other_kinds(kind: str) -> None:
    assert largest_error(symmetrize(Mapping(kind), IMAGE), samples(IMAGE)) <= 1e-12


def test_mistakes_teach() -> None:
    model = Flat(IMAGE, 2, False)
    with pytest.raises(UnknownName, match="Did you mean 'average'"):
        symmetrize(model, IMAGE, "averages")
    with pytest.raises(UnknownName, match="Did you mean 'samples'"):
        symmetrize(model, IMAGE, sample=3)
    with pytest.raises(FieldError, match="does not say what it reads"):
        symmetrize(model, "D4")
    with pytest.raises(DomainError, match="does not have the symmetry C4"):
        symmetrize(model, "C4", data=torch.zeros(2, 1, 6, 8))
    with pytest.raises(DomainError, match="frames need vectors"):
        symmetrize(model, IMAGE, "frames")
    with pytest.raises(FieldError, match="one group for both"):
        symmetrize(model, IMAGE, out_field=LETTERS)
    with pytest.raises(FieldError, match="failed on an input of shape"):
        symmetrize(model, eg.Grid(2, (8, 8)).field("D4"))
    with pytest.raises(FieldError, match="holds no tensor"):
        symmetrize(Mapping("text"), IMAGE)
    with pytest.raises(FieldError, match="combines averages only"):
        symmetrize(model, IMAGE, "canonical", combine="max")
    with pytest.raises(FieldError, match="at least 1"):
        symmetrize(model, IMAGE, chunk=0)
    with pytest.raises(DomainError, match="temperature=0"):
        symmetrize(model, IMAGE, "weighted", temperature=0.0)
    net = eg.derive(eg.Grid(2, (6, 6)).field("C1", "3 trivial"), eg.Classify(2), "tiny")
    with pytest.raises(DomainError, match="reads 3 channels"):
        symmetrize(net, IMAGE)
    with pytest.raises(FieldError, match="how D4 acts on 5 channels is not known"):
        symmetrize(nn.Linear(5, 2), "D4", data=torch.zeros(2, 5))
