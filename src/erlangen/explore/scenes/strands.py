"""DNA: letters under the reverse complement, shifts round a plasmid, and mutations."""

from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Classify
from erlangen.explore.figures import letters, rows
from erlangen.explore.motion import Motion, changes, line_shifts, listed
from erlangen.explore.scene import Sample, Scene
from erlangen.grids import Strand
from erlangen.grids.strand.letters import ALPHABET, one_hot

LENGTH = 60
MOTIF = "CCGCGAGGTGGCAG"  # planted in the sequences of the second class, on one strand
NAMES = ("no site", "a site")


def _text(kind: int, generator: torch.Generator) -> str:
    text = [ALPHABET[i] for i in torch.randint(4, (LENGTH,), generator=generator).tolist()]
    if kind:
        start = int(torch.randint(LENGTH - len(MOTIF), (1,), generator=generator))
        text[start : start + len(MOTIF)] = MOTIF
    return "".join(text)


def _mutated(order: list[int], letter: list[int], count: int) -> Any:
    def move(x: Tensor, rep: Any) -> Tensor:
        changed = x.clone()
        for place, step in zip(order[:count], letter[:count], strict=True):
            changed[:, :, place] = changed[:, :, place].roll(step, 1)
        return changed

    return move


def strands() -> Scene:
    """Random sequences of 60 letters, with or without a binding site."""
    space = Strand()

    def motions(group: Any, signal: Tensor) -> tuple[Motion, ...]:
        draw = torch.Generator().manual_seed(5)
        order = torch.randperm(LENGTH, generator=draw).tolist()
        step = torch.randint(1, 4, (LENGTH,), generator=draw).tolist()
        rc = list(group.elements)[1:]
        return (
            *(listed(space, group, "complement", "reverse complement") for _ in rc),
            *(line_shifts(space, group, LENGTH, g, "both", "reverse complement, then shift") for g in rc),
            line_shifts(space, group, LENGTH),
            changes("mutate", "mutations (no symmetry)", " letters",
                    lambda k: (f"{k} letters", _mutated(order, step, k)), LENGTH // 2 + 1),
        )  # fmt: skip

    def draw(signal: Tensor) -> dict[str, Any]:
        return {"parts": [letters(signal[0], ALPHABET)]}

    def draw_map(value: Tensor, rep: Any, scales: dict[str, float]) -> dict[str, Any]:
        return {"parts": rows(value[0], rep, scales)}

    def train(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        labels = torch.randint(2, (n,), generator=generator)
        return one_hot([_text(k, generator) for k in labels.tolist()]), labels

    still = torch.Generator().manual_seed(2)
    samples = tuple(
        Sample(f"{NAMES[k]}, {i // 2 + 1}", one_hot(_text(k, still)), k) for i, k in enumerate((1, 0, 1, 0))
    )
    return Scene(
        "strand", "DNA", "random letters, made by this program; the site is " + MOTIF, space, ("RC", "C1"), "letters",
        "letters", Classify(2), NAMES, samples, train, motions, draw, draw_map,
        ("stride", "zeros", "position", "ordinary", "flatten"), {"shift": "exact"},
    )  # fmt: skip
