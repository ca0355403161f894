"""What the first layer of a network on DNA looks for: letters of the places where each filter fires.

The windows on which a filter reaches half of its largest response are aligned and counted.

Source: Alipanahi et al. 2015, Nature Biotechnology 33 (DeepBind); Kelley et al. 2016, Genome Research 26 (Basset).
"""

from math import log
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule
from erlangen.grids.strand import RC, Kmers
from erlangen.grids.strand.tokens import PlainKmers, words

LETTERS = 4
MOST = 12  # filters in a report
_EQUAL = 1e-4  # of the largest weight: two kernels are partners if they agree so far


def word_length(model: nn.Module) -> int:
    """How many letters the words have that the first convolution reads: 1, unless `Kmers` makes words of them."""
    return next((module.k for module in model.modules() if isinstance(module, Kmers | PlainKmers)), 1)


def first_kernel(model: nn.Module) -> Float[Tensor, "filters words taps"] | None:
    """The kernel of the first convolution that reads letters, or words of them; None if there is none.

    Zeros stand between the taps of a dilated one, where it reads nothing.
    """
    size = LETTERS ** word_length(model)
    for module in model.modules():
        if isinstance(module, nn.Conv1d) and module.in_channels == size and module.groups == 1:
            return _dilated(module.weight.detach().float(), module.dilation[0])
        if isinstance(module, EquivariantModule) and hasattr(module, "kernel") and module.in_field.size == size:
            kernel = module.kernel()  # pyrefly: ignore[not-callable]
            if isinstance(kernel, Tensor) and kernel.ndim == 3:
                dilation: Any = getattr(module, "dilation", (1,))
                return _dilated(kernel.detach().float(), dilation[0])
    return None


def _dilated(kernel: Float[Tensor, "filters words taps"], dilation: int) -> Float[Tensor, "filters words span"]:
    span = (kernel.shape[2] - 1) * dilation + 1
    wide = kernel.new_zeros(*kernel.shape[:2], span)
    wide[:, :, ::dilation] = kernel
    return wide


def partners(kernel: Float[Tensor, "filters words taps"]) -> list[int | None]:
    """For every filter the one that is its reverse complement (itself, if it reads both strands alike), or None."""
    k = round(log(kernel.shape[1], LETTERS))
    other_strand = torch.from_numpy(RC().kmers(k).terms[0][1].on(1)).argmax(0).to(kernel.device)
    flat, turned = kernel.flatten(1), kernel[:, other_strand].flip(2).flatten(1)
    nearest, index = torch.cdist(flat, turned, p=float("inf")).min(0)
    limit = _EQUAL * float(kernel.abs().max()) if kernel.numel() else 0.0
    return [int(i) if float(gap) <= limit else None for gap, i in zip(nearest, index, strict=True)]


@torch.no_grad()
def filter_motifs(
    model: nn.Module, letters: Float[Tensor, "b 4 length"], most: int = MOST, least: int = 5
) -> list[dict[str, Any]]:
    """The motifs of the first layer, the clearest first, each pair of filters that read opposite strands once.

    Args:
        model: a network whose first convolution reads letters, or words of them.
        letters: one-hot sequences to look at.
        most: at most this many.
        least: filters that fire at fewer places are left out.

    Returns:
        JSON-able: "filter", "partner" (None if no filter reads the other strand), "sites" (number of windows), "counts"
        [4, taps].
    """
    kernel, k = first_kernel(model), word_length(model)
    if kernel is None or not len(letters) or letters.shape[2] < kernel.shape[2] + k - 1:
        return []
    x, taps = letters.float(), kernel.shape[2] + k - 1
    responses = functional.conv1d(words(x, k), kernel.to(x.device))
    windows = x.unfold(2, taps, 1)  # [B, 4, places, taps]
    other, found = partners(kernel), []
    for i, partner in enumerate(other):
        if partner is not None and partner < i:
            continue
        counts, sites = _counts(responses[:, i], windows)
        if partner is not None and partner != i:
            more, further = _counts(responses[:, partner], windows)
            counts, sites = counts + more.flip(0, 1), sites + further
        if sites >= least:
            motif = {"filter": i, "partner": partner, "sites": sites, "counts": counts.round().int().tolist()}
            found.append((float(information(counts).sum()), motif))
    return [motif for _, motif in sorted(found, key=lambda pair: -pair[0])[:most]]


def information(counts: Float[Tensor, "4 taps"]) -> Float[Tensor, " taps"]:
    """Bits at every place: 2 - H(p) - 3 / (2 n ln 2), not below zero.

    Source: Schneider and Stephens 1990, Nucleic Acids Research 18 (sequence logos, with the small-sample correction).
    """
    total = counts.sum(0)
    p = counts / total.clamp(min=1)
    bits = 2.0 + torch.special.xlogy(p, p).sum(0) / log(2)
    return (bits - 3.0 / (2.0 * log(2) * total.clamp(min=1))).clamp(min=0.0)


def _counts(response: Float[Tensor, "b places"], windows: Tensor) -> tuple[Tensor, int]:
    top = float(response.max())
    if top <= 0:
        return torch.zeros(LETTERS, windows.shape[3]), 0
    rows, places = (response > 0.5 * top).nonzero(as_tuple=True)
    return windows[rows, :, places].sum(0).cpu(), len(rows)
