"""Audits of whatever people bring: several inputs, other signatures, PyG, compiled, exported, scripted, functions."""

from collections import OrderedDict
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from erlangen.audit import audit, lie_derivatives
from erlangen.errors import FieldError, UnknownName
from erlangen.grids import Grid
from erlangen.point import Point

FIELD = Grid(2).field("C4", "1 trivial")
QUICK = {"continuous": False, "stability": False}


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(12, 1, 8, 8)


def plain() -> nn.Module:
    """A convolution that is not symmetric, and a mean."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


# several inputs


class Conditioned(nn.Module):
    """An image, a mask and the number of a class."""

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2, 4, size, padding=size // 2)
        self.embed, self.head = nn.Embedding(10, 4), nn.Linear(4, 3)

    def forward(self, image: Tensor, mask: Tensor, kind: Tensor) -> Tensor:
        h = self.mix(torch.cat([image, mask], 1)) + self.embed(kind)[:, :, None, None]
        return self.head(h.relu().mean((2, 3)))


def test_several_inputs_move_together_or_stay(x):
    torch.manual_seed(0)
    mask, kind = (torch.rand_like(x) < 0.5).float(), torch.arange(12) % 10
    found = audit(Conditioned(), (x, mask, kind), in_field=(FIELD, FIELD, None))
    assert found.verdict == "exact", str(found)
    assert [row.name for row in found.layers] == ["mix", "embed", "head"]
    named = {"mask": mask, "kind": kind, "image": x}
    by_name = audit(Conditioned(), named, in_field={"image": FIELD, "mask": FIELD}, **QUICK)
    assert by_name.verdict == "exact"
    assert "nothing is declared for kind: it stays" in by_name.assumed
    bad = audit(Conditioned(3), (x, mask, kind), in_field=(FIELD, FIELD, None), **QUICK)
    assert bad.verdict != "exact"
    assert [row.name for row in bad.culprits] == ["mix"]


def test_an_input_that_should_have_moved_is_caught(x):
    mask, kind = torch.rand_like(x), torch.zeros(12, dtype=torch.long)
    found = audit(Conditioned(), (x, mask, kind), in_field=FIELD, **QUICK)
    assert found.verdict != "exact"
    assert "in_field is that of the first input, '0'; the others (1, 2) stay" in found.assumed


def test_vectors_turn_beside_the_image_they_belong_to(x):
    """The mean of the field of a vector times the image: every element turns both, and the output."""

    class Push(nn.Module):
        def forward(self, image: Tensor, v: Tensor) -> Tensor:
            return v * image.mean((2, 3))

    vector = Point().field(FIELD.group, "1 standard")
    found = audit(Push(), (x, torch.randn(12, 2)), in_field=(FIELD, vector), out_field=vector, **QUICK)
    assert found.verdict == "exact", str(found)
    stays = audit(Push(), (x, torch.randn(12, 2)), in_field=(FIELD, None), out_field=vector, **QUICK)
    assert stays.verdict == "broken"


def test_labels_that_come_with_a_batch_are_not_fed(x):
    y = torch.arange(12) % 3
    found = audit(plain(), (x, y), in_field=FIELD, **QUICK)
    assert found.accuracy is not None
    assert "the last tensor of the data holds the labels, not an input" in found.assumed


def test_several_inputs_that_do_not_fit(x):
    with pytest.raises(FieldError, match="2 inputs need as many fields"):
        audit(Conditioned(), (x, x), in_field=(FIELD,))
    with pytest.raises(FieldError, match="in_field names picture, but the inputs are image, mask"):
        audit(Conditioned(), {"image": x, "mask": x}, in_field={"picture": FIELD})
    with pytest.raises(FieldError, match="one element has to move them all"):
        audit(Conditioned(), (x, x, x), in_field=(FIELD, Grid(2).field("D4", 1), None))
    with pytest.raises(FieldError, match="every input stays"):
        audit(Conditioned(), (x, x), in_field=(None, None))
    with pytest.raises(FieldError, match="several fields are declared"):
        audit(plain(), x, in_field=(FIELD, FIELD))
    with pytest.raises(OSError, match="different numbers of samples"):
        audit(Conditioned(), (x, x[:3]), in_field=(FIELD, FIELD))


# outputs and signatures


@dataclass
class Output:
    """What a Hugging Face classifier returns."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None


class Classifier(nn.Module):
    """Called by name, like those of Hugging Face."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embeddings, self.classifier = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, *, pixel_values: Tensor, labels: Tensor | None = None, return_dict: bool = True) -> Output:
        h = self.embeddings(pixel_values)
        logits = self.classifier(h.relu().mean((2, 3)))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return Output(loss, logits, (h,))


def test_a_classifier_that_is_called_by_name(x):
    found = audit(Classifier(), x, in_field=FIELD, **QUICK)
    assert found.model == "Classifier"
    assert [row.name for row in found.culprits] == ["embeddings"]
    assert [row.name for row in found.layers] == ["embeddings", "classifier"]
    assert "the input is given by name, model(pixel_values=…)" in found.assumed
    assert "of the output only 'logits' is compared, not hidden_states" in found.assumed
    batch = {"pixel_values": x, "labels": torch.arange(12) % 3}
    labelled = audit(Classifier(), batch, in_field={"pixel_values": FIELD}, **QUICK)
    assert labelled.accuracy is not None
    hidden = audit(Classifier(), x, in_field=FIELD, output="hidden_states", **QUICK)
    assert "moves with the input" in hidden.assumed[-1]
    with pytest.raises(UnknownName, match="unknown part of the output 'logit'"):
        audit(Classifier(), x, in_field=FIELD, output="logit", **QUICK)
    with pytest.raises(FieldError, match="has no part 'logits'"):
        audit(plain(), x, in_field=FIELD, output="logits", **QUICK)


def test_namespaces_and_nested_outputs(x):
    class Nested(nn.Module):
        def forward(self, x: Tensor) -> object:
            return SimpleNamespace(aux=None, out={"scores": [x.mean((2, 3))], "logits": x.mean((2, 3))})

    assert audit(Nested(), x, in_field=FIELD, **QUICK).verdict == "exact"

    class ModelOutput(OrderedDict):
        """A mapping, as Hugging Face has it."""

    class Leaf(nn.Module):
        def forward(self, x: Tensor) -> ModelOutput:
            return ModelOutput(attentions=None, last_hidden_state=x.square())

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.leaf, self.corner = Leaf(), nn.Linear(64, 2)

        def forward(self, x: Tensor) -> ModelOutput:
            return ModelOutput(loss=None, pooled=self.corner(self.leaf(x)["last_hidden_state"].flatten(1)))

    found = audit(Outer(), x, in_field=FIELD, **QUICK)
    rows = {row.name: row.intrinsic for row in found.layers if row.kind != "code"}
    assert rows["leaf"] == 0
    assert [row.kind for row in found.culprits] == ["code"]
    assert "flattening" in found.culprits[0].cause


class Backbone(nn.Module):
    """Features and a head in the manner of timm, with one block used twice."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.block, self.fc = nn.Conv2d(1, 1, 3, padding=1), nn.Linear(1, 3)

    def forward_features(self, x: Tensor) -> Tensor:
        return self.block(self.block(x).relu())

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.forward_features(x).mean((2, 3)))


def test_features_head_and_a_block_used_twice(x):
    found = audit(Backbone(), x, in_field=FIELD, **QUICK)
    assert [row.name for row in found.layers if row.kind != "code"] == ["block", "block", "fc"]
    features = audit(Backbone().forward_features, x, in_field=FIELD, **QUICK)
    assert features.model == "forward_features"
    assert {row.name for row in features.culprits} == {"block"}


# graphs of torch-geometric


def graphs() -> list:
    data = pytest.importorskip("torch_geometric.data")
    torch.manual_seed(0)
    return [data.Data(x=torch.randn(n, 4), edge_index=torch.randint(n, (2, 3 * n))) for n in (5, 6, 7)]


def network(make) -> nn.Module:
    from torch_geometric.nn import global_add_pool

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second, self.head = make(4, 8), make(8, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
            h = self.second(self.first(x, edge_index).relu(), edge_index)
            return self.head(global_add_pool(h.relu(), batch))

    return Net()


@pytest.mark.parametrize("kind", ["GCN", "GIN", "GAT"])
def test_graph_networks_of_torch_geometric(kind):
    nets = pytest.importorskip("torch_geometric.nn")
    make = {
        "GCN": nets.GCNConv,
        "GIN": lambda i, o: nets.GINConv(nn.Linear(i, o)),
        "GAT": lambda i, o: nets.GATConv(i, o // 2, heads=2),
    }[kind]
    found = audit(network(make), graphs(), **QUICK)
    assert found.verdict == "exact", str(found)
    assert [row.name for row in found.layers if row.kind != "code"] == ["first", "second", "head"]
    assert all(row.intrinsic < 1e-5 for row in found.layers)
    assert "the input is 4 trivial of Σn on Graphs()" in found.assumed
    assert "graphs are given as model(x, edge_index, batch)" in found.assumed


def test_an_aggregation_that_reads_the_neighbours_in_order():
    nets = pytest.importorskip("torch_geometric.nn")
    found = audit(network(lambda i, o: nets.SAGEConv(i, o, aggr="lstm")), graphs(), **QUICK)
    assert found.verdict != "exact"
    assert {row.name for row in found.culprits} == {"first", "second"}
    assert "recurrent" in found.culprits[0].cause


def test_data_objects_and_edge_features():
    nets = pytest.importorskip("torch_geometric.nn")
    torch.manual_seed(0)

    class OfData(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nets.GCNConv(4, 3)

        def forward(self, data) -> Tensor:
            return self.conv(data.x, data.edge_index)

    found = audit(OfData(), graphs(), **QUICK)
    assert found.verdict == "exact", str(found)
    assert "graphs are given as torch-geometric data, model(data)" in found.assumed

    class OnEdges(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nets.GATConv(4, 4, edge_dim=2)

        def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
            return self.conv(x, edge_index, edge_attr)

    data = graphs()
    for one in data:
        one.edge_attr = torch.randn(one.edge_index.shape[1], 2)
    featured = audit(OnEdges(), data, **QUICK)
    assert featured.verdict == "exact", str(featured)
    assert featured.layers[0].intrinsic < 1e-5

    class Wants(nn.Module):
        def forward(self, x: Tensor, edge_index: Tensor, positions: Tensor) -> Tensor:
            return x

    with pytest.raises(FieldError, match="wants positions besides the graph"):
        audit(Wants(), data, **QUICK)


def test_scores_of_edges_move_with_the_edges():
    def dot(x: Tensor, edge_index: Tensor) -> Tensor:
        return (x[edge_index[0]] * x[edge_index[1]]).sum(1)

    found = audit(dot, graphs(), **QUICK)
    assert found.verdict == "exact", str(found)
    assert "the output is 1 trivial channel an edge" in found.assumed
    assert audit(lambda x, edge_index: dot(x, edge_index).cumsum(0), graphs(), **QUICK).verdict == "broken"


# compiled, exported, scripted


def test_a_compiled_module_is_audited_as_it_was_and_compared(x):
    found = audit(torch.compile(plain(), backend="eager"), x, in_field=FIELD, **QUICK)
    assert found.model == "Sequential"
    assert [row.name for row in found.culprits] == ["0"]
    assert any("the compiled form differs by 0" in note for note in found.notes)
    inside = nn.Sequential(torch.compile(plain(), backend="eager"), nn.Linear(3, 2))
    assert [row.name for row in audit(inside, x, in_field=FIELD, **QUICK).layers] == ["0.0", "0.1", "0.2", "1"]


def test_a_compiled_form_that_computes_something_else_is_said(x):
    def wrong(graph, inputs):
        return lambda *args: tuple(y + 1 for y in graph.forward(*args))

    mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = audit(torch.compile(mean, backend=wrong), x, in_field=FIELD, **QUICK)
    assert audit(mean, x, in_field=FIELD, **QUICK).verdict == "exact"
    assert found.verdict == "broken"
    assert any("the compiled form differs by" in note for note in found.notes)


@pytest.mark.parametrize("free", [False, True])
def test_exported_programs_are_audited_as_a_whole(x, free):
    shapes = ({0: torch.export.Dim("b")},) if free else None
    program = torch.export.export(plain().eval(), (x[:5],), dynamic_shapes=shapes)
    known = audit(plain(), x, in_field=FIELD, **QUICK)
    for model in (program, program.module()):
        found = audit(model, x, in_field=FIELD, **QUICK)
        assert found.max_error == pytest.approx(known.max_error, rel=1e-4)
        assert any(note.startswith("no table of layers: an exported program") for note in found.notes)
        assert any("exactly 5 samples" in words for words in found.assumed) is not free
        assert not found.layers


def test_torchscript_is_audited_as_a_whole(x):
    known = audit(plain(), x, in_field=FIELD, **QUICK)
    for model in (torch.jit.trace(plain(), x), torch.jit.script(plain())):
        found = audit(model, x, in_field=FIELD, **QUICK)
        assert found.max_error == pytest.approx(known.max_error, rel=1e-4)
        assert any(note.startswith("no table of layers: TorchScript") for note in found.notes)


def test_a_traced_graph_of_modules_keeps_its_layers(x):
    found = audit(torch.fx.symbolic_trace(plain()), x, in_field=FIELD, **QUICK)
    assert [row.name for row in found.culprits] == ["0"]


# functions


def test_functions_of_tensors_and_of_arrays(x):
    for mean in (lambda x: x.mean((2, 3)), lambda x: np.mean(x, axis=(2, 3))):
        found = audit(mean, x, in_field=FIELD)
        assert found.verdict == "exact"
        assert any(note == "no table of layers: a plain function has no layers to look into" for note in found.notes)
    assert "it takes numpy arrays" in found.assumed
    spectrum = audit(lambda x: np.fft.fft2(np.asarray(x)).mean(axis=(2, 3)), x, in_field=FIELD, **QUICK)
    assert "the output is 2 invariant numbers a sample" in spectrum.assumed  # real and imaginary part
    corner = audit(lambda x: x[:, :, 0, 0], x, in_field=FIELD, **QUICK)
    assert corner.verdict == "broken"
    assert corner.guilty == "not located"
    assert lie_derivatives(lambda x: x.mean((2, 3)), x, in_field=FIELD)[0].error < 1e-3


def test_labels_are_compared_as_labels(x):
    """A threshold on the mean gives the same label for every turn, a threshold on a corner does not."""
    same = audit(lambda x: (4 * x.mean((1, 2, 3))).long(), x, in_field=FIELD, **QUICK)
    assert same.verdict == "exact"
    assert same.flip_rate == 0
    assert "compared as labels" in "".join(same.assumed)

    def corner(x: Tensor) -> Tensor:
        return (4 * x[:, 0, 0, 0]).long()

    other = audit(corner, x, in_field=FIELD, **QUICK)
    assert other.verdict == "broken"
    flips = [(corner(x.rot90(k, (2, 3))) != corner(x)).double().mean().item() for k in (1, 2, 3)]
    assert other.flip_rate == pytest.approx(np.mean(flips))
    maps = audit(lambda x: x[:, 0] > 0.5, x, in_field=FIELD, **QUICK)
    assert next(f for f in maps.families if f.name == "C4").verdict == "exact"
    with pytest.raises(FieldError, match="too many for labels"):
        audit(lambda x: (1e5 * x.mean((1, 2, 3))).long(), x, in_field=FIELD, **QUICK)


def test_samples_with_several_labels(x):
    cuts = torch.tensor([0.45, 0.5, 0.55])
    assert audit(lambda x: x.mean((2, 3)) > cuts, x, in_field=FIELD, **QUICK).verdict == "exact"
    broken = audit(lambda x: x[:, 0, 0, :3] > cuts, x, in_field=FIELD, **QUICK)
    assert broken.verdict == "broken"
    assert broken.flip_rate is None


def test_loaders_partials_and_frozen_scripts(x):
    from functools import partial

    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(x, torch.arange(12) % 3), batch_size=5)
    found = audit(plain(), loader, in_field=FIELD, **QUICK)
    assert found.settings["samples"] == 12
    assert found.accuracy is not None
    assert found.max_error == pytest.approx(audit(plain(), x, in_field=FIELD, **QUICK).max_error, rel=1e-6)
    named = audit(partial(Classifier().forward, return_dict=True), {"pixel_values": x}, in_field=FIELD, **QUICK)
    assert [row.name for row in named.culprits] == ["embeddings"]
    frozen = torch.jit.freeze(torch.jit.script(plain().eval()))
    assert audit(frozen, x, in_field=FIELD, **QUICK).max_error == pytest.approx(found.max_error, rel=1e-4)
