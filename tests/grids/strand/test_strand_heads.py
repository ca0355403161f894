"""Heads, inputs and derived networks on a strand."""

from types import SimpleNamespace

import pytest
import torch

from erlangen import Classify, Count, Predict, Profile, Regress, Segment, Strand, derive
from erlangen.blueprint import Field, network_from
from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.grids import Conv, InvariantReadout
from erlangen.grids.strand import (
    Frames,
    Kmers,
    ParityLinear,
    ProfileReadout,
    Residual,
    StrandAttention,
    TokenEmbedding,
    VectorReadout,
    one_hot,
    reverse_complement,
)


def dna(rep: str = "letters", group: str = "RC") -> Field:
    return Strand().field(group, rep)


def test_tokens_are_looked_up() -> None:
    """Numbers and one-hot signals give the same embedding; that of the reverse complement is the other strand's."""
    layer = TokenEmbedding(dna("kmers(2)"), dna("3 regular"))
    ids = torch.randint(16, (2, 9))
    hot = torch.nn.functional.one_hot(ids, 16).movedim(-1, 1).float()
    assert torch.allclose(layer(ids), layer(hot), atol=1e-6)
    assert torch.allclose(layer.export()(ids), layer(hot), atol=1e-6)
    partner = torch.from_numpy(layer.in_field.rep.signed(1)[0])
    assert torch.allclose(layer(partner[ids.flip(1)]), layer.out_field.act(1, layer(ids)), atol=1e-6)
    with pytest.raises(FieldError, match=r"\[B, L\]"):
        layer(ids[None])


def test_words_of_a_text() -> None:
    text = "ACGTNAC"
    words = Kmers(dna(), 2)(one_hot(text))[0]
    found = [
        None if not column.any() else "ACGT"[int(column.argmax()) // 4] + "ACGT"[int(column.argmax()) % 4]
        for column in words.T
    ]
    assert found == ["AC", "CG", "GT", None, None, "AC"]
    with pytest.raises(DomainError, match="no word of 5"):
        Kmers(dna(), 5)(one_hot("ACG"))


def test_frames_hold_codon_positions() -> None:
    """A feature of first letters, on at every third place from f, fills frame f of its own strand only."""
    layer = Frames(dna("3 regular"))
    for length in (30, 31, 32):
        for frame in range(3):
            x = torch.zeros(1, 3, 2, length)
            x[0, 0, 0, frame::3] = 1.0  # first letters of codons of this strand
            x[0, 1, 0, frame + 1 :: 3] = 1.0
            x[0, 2, 0, frame + 2 :: 3] = 1.0
            total = layer(x.flatten(1, 2)).sum(2)[0]
            assert int(total.argmax()) == frame
            assert float(total[frame]) == float(x.sum())
            shifted = layer(x.roll(1, 3).flatten(1, 2))[0, :, 3:-3].sum(1)
            assert int(shifted.argmax()) == (frame + 1) % 3
            back = layer(layer.in_field.act(1, x.flatten(1, 2))).sum(2)[0]
            assert int(back.argmax()) == 3 + frame  # the same frame of the other strand, at every length


@pytest.mark.parametrize("length", [60, 61])
def test_stranded_tracks_are_swapped_and_flipped(length: int) -> None:
    """Plus and minus change places and turn round, an unstranded track only turns round."""
    torch.manual_seed(0)
    network = derive(dna(), Profile("regular + trivial"), "tiny").eval()
    assert isinstance(network[-1], ProfileReadout)
    text = "".join("ACGT"[i] for i in torch.randint(4, (length,)).tolist())
    with torch.no_grad():
        plus, minus, both = network(one_hot(text))[0]
        plus_rc, minus_rc, both_rc = network(one_hot(reverse_complement(text)))[0]
    for one, two in ((plus, minus_rc), (minus, plus_rc), (both, both_rc)):
        assert torch.allclose(one, two.flip(0), atol=1e-5)
    assert not torch.allclose(plus, plus_rc.flip(0), atol=1e-3)


def test_heads_are_chosen_by_the_task() -> None:
    def head(task: object, **options: object) -> object:
        return derive(dna(), task, "tiny", **options)[-1]

    assert isinstance(head(Classify(2)), InvariantReadout)
    assert isinstance(head(Regress(1)), InvariantReadout)
    assert isinstance(head(Classify(2), expansion=4)[-1], InvariantReadout)
    assert isinstance(head(Count("regular")), VectorReadout)
    assert isinstance(head(Count("regular"), nonlinearity="pointwise", block="dense"), VectorReadout)
    with pytest.raises(FieldError, match="block='dense'"):
        head(Count("regular"), nonlinearity="pointwise")
    assert isinstance(head(Classify(2, rep="regular")), VectorReadout)
    assert isinstance(head(Classify(6, rep="frames"))[1], VectorReadout)
    assert head(Segment(4, rep="letters")).out_field.rep == dna().rep
    assert isinstance(head(Profile("regular")), ProfileReadout)
    frames = derive(dna(), Classify(6, rep="frames"), "small")
    assert frames.plan_at((90,)).rows[-2].shape == (90,)  # halving the strand would lose the frames


@pytest.mark.parametrize("block", ["residual", "attention", "state-space", "dense"])
@pytest.mark.parametrize("group", ["RC", "C1"])
def test_derived_networks_are_declared(block: str, group: str) -> None:
    network = derive(dna(group=group), Classify(2), "small", block=block)
    again = network_from(network.declaration)
    again.load_state_dict(network.state_dict())
    x = one_hot("ACGTTGCAACGTACCA" * 3)
    assert torch.equal(again.eval()(x), network.eval()(x))


@pytest.mark.parametrize("task", [Classify(2), Profile("regular")])
@pytest.mark.parametrize("block", ["residual", "separable"])
def test_exact_under_circular_shifts_too(block: str, task: Classify | Profile) -> None:
    """Plasmids are circles: with shift='exact' a rotated one gives the same answer, or the rotated profile."""
    network = derive(dna(), task, "small", block=block, shift="exact").double().eval()
    x = torch.randn(2, 4, 64, dtype=torch.float64)
    with torch.no_grad():
        y, other, moved = network(x), network(dna().act(1, x)), network(x.roll(1, 2))
    assert float((network.out_field.act(1, y) - other).abs().max() / y.abs().max()) <= 1e-12
    assert float(((y.roll(1, 2) if task.dense else y) - moved).abs().max() / y.abs().max()) <= 1e-12


def test_options_reach_the_layers() -> None:
    local = [{"kernel_size": 11}, {"heads": 2}]
    network = derive(dna(), Classify(2), "tiny", block="attention", local=local)
    assert [m.heads for m in network.modules() if isinstance(m, StrandAttention)] == [2]
    assert network[0][0].kernel_size == (11,)  # no words, which the default of `local` would have read


def test_the_symmetry_can_end_inside_a_network() -> None:
    """Motifs on both strands, then layers that tell the strands apart."""
    network = derive(dna(), Classify(2), "tiny", restrict={0: "C1"}).eval()
    x = one_hot("ACGTTGCAACGTACCA")
    assert not torch.allclose(network(x), network(dna().act(1, x)), atol=1e-4)
    first = network[0]
    assert first.in_field.group.name == "RC"
    assert network[-1].in_field.group.name == "C1"


def test_dropout_of_vectors_drops_whole_copies() -> None:
    torch.manual_seed(0)
    layer = VectorReadout(dna("20 regular"), Classify(2, rep="regular"), dropout=0.5).train()
    x = torch.randn(1, 40, 6)
    outputs = []
    for signal in (x, layer.in_field.act(1, x)):
        torch.manual_seed(3)
        outputs.append(layer(signal))
    assert torch.allclose(outputs[0].flip(1), outputs[1], atol=1e-6)
    assert not torch.allclose(outputs[0], layer.eval()(x), atol=1e-3)


def motif_data(n: int, seed: int) -> SimpleNamespace:
    """Does one of 40 letters start GATTACAG, on either strand?"""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(4, (n, 40), generator=generator)
    targets = torch.randint(2, (n,), generator=generator)
    motif = torch.tensor([2, 0, 3, 3, 0, 1, 0, 2])
    for i in targets.nonzero()[:, 0].tolist():
        at = int(torch.randint(33, (1,), generator=generator))
        codes[i, at : at + 8] = motif if i % 2 else 3 - motif.flip(0)
    signals = torch.nn.functional.one_hot(codes, 4).movedim(-1, 1).float()
    return SimpleNamespace(signals=signals, targets=targets)


@pytest.mark.parametrize("block", ["residual", "attention", "state-space"])
def test_every_kind_of_block_learns_a_motif(block: str) -> None:
    """Found on either strand after a few epochs, and the same answer for both strands of every sequence."""
    torch.manual_seed(0)
    data = motif_data(1024, 0)
    network = derive(dna(), Classify(2), "tiny", block=block)
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3)
    for _ in range(6):
        for start in range(0, 1024, 64):
            batch = slice(start, start + 64)
            loss = network.task.loss(network(data.signals[batch]), data.targets[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    test = motif_data(512, 1)
    network.eval()
    with torch.no_grad():
        found, other = network(test.signals).argmax(1), network(dna().act(1, test.signals)).argmax(1)
    assert float((found == test.targets).double().mean()) > 0.9
    assert torch.equal(found, other)


def test_mistakes_teach() -> None:
    with pytest.raises(FieldError, match="words=3"):
        derive(dna(), Classify(2), "tiny", words=2)
    with pytest.raises(FieldError, match="3n copies"):
        Frames(dna("2 regular"))
    with pytest.raises(FieldError, match="letters"):
        Kmers(dna("regular"))
    with pytest.raises(FieldError, match="permuted"):
        TokenEmbedding(dna("sign"), dna("regular"))
    with pytest.raises(FieldError, match="Conv with kernel 1"):
        ParityLinear(dna("regular"), dna("regular"))
    with pytest.raises(FieldError, match="no sign to come from"):
        ParityLinear(dna("2 trivial"), dna("1 trivial + 1 sign"))
    with pytest.raises(FieldError, match="keeps the length"):
        Residual(Conv(dna("regular"), dna("regular"), 2))
    with pytest.raises(UnknownName, match="residual"):
        derive(dna(), Classify(2), "tiny", block="transformer")
    with pytest.raises(UnknownName, match="tiny"):
        derive(dna(), Classify(2), "huge")
    with pytest.raises(FieldError, match="has 6"):
        derive(dna(), Classify(4, rep="frames"), "tiny")
    with pytest.raises(FieldError):
        derive(dna(), Predict("2 regular +"), "tiny")


def test_frames_from_the_left_are_of_one_remainder() -> None:
    for length in (99, 101):
        with pytest.raises(DomainError, match=r"frames from the left of strands of 3n \+ 1 letters.* Fix"):
            derive(Strand(length).field("RC", "letters"), Classify(6, rep="frames_from_left(1)"), "tiny")
    net = derive(dna(), Classify(6, rep="frames_from_left(1)"), "tiny").double().eval()
    x = torch.randn(2, 4, 40, dtype=torch.float64)
    turned = net(net.in_field.act(1, x))
    assert torch.allclose(turned, net.task.out_rep(net.in_field.group).apply(1, net(x)), atol=1e-12)
    with pytest.raises(DomainError, match="got 41"):
        net(x.new_zeros(1, 4, 41))


def test_token_numbers_that_are_none_are_explained() -> None:
    layer = TokenEmbedding(dna("kmers(2)"), dna("regular"))
    for wrong, what in ((torch.tensor([[16]]), "got 16"), (torch.tensor([[-1]]), "got -1")):
        with pytest.raises(FieldError, match=f"0 … 15, {what}"):
            layer(wrong)
    with pytest.raises(FieldError, match=r"torch.uint8. Fix: x.long"):
        layer(torch.zeros(1, 3, dtype=torch.uint8))
    assert layer(torch.zeros(0, 3, dtype=torch.int64)).shape == (0, 2, 3)


def test_heads_of_whole_strands_leave_invariants_as_they_are() -> None:
    net = derive(dna(), Classify(2), "tiny")
    head = [m for m in net.modules() if isinstance(m, InvariantReadout)][-1]
    assert isinstance(head.norm, torch.nn.Identity)
    x = torch.randn(3, 4, 50)
    assert torch.allclose(net.eval()(x), net.export()(x), atol=1e-6)


def test_targets_of_other_channels_are_explained() -> None:
    for task in (Profile("regular + trivial"), Count("regular + trivial"), Predict("regular + trivial")):
        plain = derive(dna(group="C1"), task, "tiny")
        output = plain(torch.randn(2, 4, 30))
        target = torch.ones(2, 3, *output.shape[2:])
        with pytest.raises(FieldError, match=r"Fix: declare the channels .* rep='3 trivial'"):
            task.loss(output, target)
        scalars = task.of_scalars(dna().group)
        assert scalars.loss(derive(dna(group="C1"), scalars, "tiny")(torch.randn(2, 4, 30)), target).isfinite()


@pytest.mark.parametrize("seed", range(3))
def test_profiles_start_at_rates_of_about_one(seed: int) -> None:
    torch.manual_seed(seed)
    net = derive(dna(), Profile("regular + trivial"), "small").eval()
    log_rates = net(one_hot(["".join("ACGT"[i] for i in torch.randint(0, 4, (256,)).tolist()) for _ in range(4)]))
    assert float(log_rates.detach().abs().max()) < 1.5
