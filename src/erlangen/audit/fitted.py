"""Actions on channels that nobody declares, fitted to features: first a permutation, then an orthogonal map.

A plain convolution may carry a regular field, as an exported group convolution does. Then its channels do not stay, as
is assumed of plain layers, but are exchanged. With a = f(g·x) and b = g·f(x), moved over the domain alone, the
permutation is the assignment of greatest correlation Σ a_c b_d, the orthogonal map that of Procrustes; both are judged
on samples kept out of the fit.

A linear map that is no isometry is reported and never acquits: the filters of an ordinary convolution with as many
channels as taps span all filters, so a linear map explains it without any symmetry.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from erlangen.audit.record import Call

ADOPT = 0.99  # held-out R² from which a fit stands for the action; the layer is acquitted by its error only
GAIN = 0.1  # and its residual is at most this share of that of the assumption
ROWS = 4096  # rows of each half that are looked at
WIDEST = {"permutation": 1024, "orthogonal map": 256, "linear map": 128}  # channels, which bounds the time
GROWTH = 4  # rows drawn for every channel of a layer on vectors


@dataclass(frozen=True)
class Fit:
    """One fitted action on channels.

    Args:
        kind: "permutation", "orthogonal map" or "linear map".
        matrix: [C, C] in float64, with a ≈ b @ matrix.
        r2: share of the variance explained on the held-out rows.
        gain: residual there, as a share of that of the assumption that channels stay.
    """

    kind: str
    matrix: Tensor
    r2: float
    gain: float

    @property
    def stands(self) -> bool:
        """Whether it may stand for the action."""
        return self.kind != "linear map" and self.r2 >= ADOPT and self.gain <= GAIN

    def apply(self, x: Tensor) -> Tensor:
        """The channels (dimension 1) of x, moved."""
        return torch.einsum("nc...,cd->nd...", x.double(), self.matrix.to(x.device)).to(x.dtype)


@dataclass
class Fits:
    """What was fitted in one network.

    Args:
        into: (label of the action, number of the call) -> the action on the channels of its input.
        out: the same of its output.
        refused: number of the call -> the best fits that do not stand.
        followed: the fits that a later layer which mixes channels was fed.
        dropped: number of the call -> an orthogonal map that nothing followed.
    """

    into: dict[tuple[str, int], Fit] = field(default_factory=dict)
    out: dict[tuple[str, int], Fit] = field(default_factory=dict)
    refused: dict[int, list[Fit]] = field(default_factory=dict)
    followed: set[int] = field(default_factory=set)
    dropped: dict[int, Fit] = field(default_factory=dict)

    def settle(self) -> None:
        """Drop orthogonal maps that no later layer was fed: orthogonal weights have one without any symmetry.

        What makes it a symmetry is that the nonlinearity after it commutes with it, so that it arrives further on.
        """
        lost = {key: f for key, f in self.out.items() if f.kind == "orthogonal map" and id(f) not in self.followed}
        self.dropped |= {i: fit for (_, i), fit in lost.items()}
        gone = {id(fit) for fit in lost.values()}
        self.out = {key: fit for key, fit in self.out.items() if id(fit) not in gone}
        self.into = {key: fit for key, fit in self.into.items() if id(fit) not in gone}

    def words_in(self, i: int) -> str:
        """What was fitted on the channels that a call is fed; empty if nothing was."""
        return " or ".join(dict.fromkeys(fit.kind for (_, at), fit in self.into.items() if at == i))

    def words(self, i: int) -> str:
        """What was fitted at a call, or what was tried in vain; empty if nothing was."""
        found = [fit for (_, at), fit in self.out.items() if at == i]
        if found:
            worst = min(found, key=lambda f: f.r2)
            kinds = " or ".join(dict.fromkeys(f.kind for f in found))
            return f"fitted: {kinds} of channels, held-out R² {_r2(worst.r2)}"
        if i in self.dropped:
            r2 = _r2(self.dropped[i].r2)
            return f"an orthogonal map of its channels fits (held-out R² {r2}), but no later layer is fed it"
        tried = ", ".join(f"{f.kind} R² {_r2(f.r2)}" for f in self.refused.get(i, []))
        return f"no action on its channels fits ({tried} held out)" if tried else ""


def fit_action(a: Tensor, b: Tensor) -> list[Fit]:
    """Fit the channels of b to those of a.

    Args:
        a: [2n, C] features of the moved input; the second half of the rows is held out.
        b: [2n, C] moved features.

    Returns:
        The fits in the order of trust, up to the first that stands.

    Source: Lenc and Vedaldi 2015, section 3.1 (maps between features); Schönemann 1966 (the orthogonal map).
    """
    n, channels = len(a) // 2, a.shape[1]
    a, b = a.double(), b.double()
    found: list[Fit] = []
    for kind, make in (("permutation", _permutation), ("orthogonal map", _orthogonal), ("linear map", _linear)):
        if channels > WIDEST[kind] or (kind != "permutation" and n < 2 * channels):
            continue
        matrix = make(a[:n], b[:n])
        left, assumed = (a[n:] - b[n:] @ matrix).square().sum(), (a[n:] - b[n:]).square().sum()
        variance = (a[n:] - a[n:].mean(0)).square().sum().clamp_min(1e-300)
        gain = float((left / assumed.clamp_min(1e-300)).sqrt())
        found.append(Fit(kind, matrix, float(1 - left / variance), gain))
        if found[-1].stands:
            break
    return found


def _permutation(a: Tensor, b: Tensor) -> Tensor:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment((a.T @ b).cpu().numpy(), maximize=True)  # least Σ ‖a_c − b_d‖²
    matrix = torch.zeros(a.shape[1], a.shape[1], dtype=a.dtype)
    matrix[torch.from_numpy(columns), torch.from_numpy(rows)] = 1.0
    return matrix.to(a.device)


def _orthogonal(a: Tensor, b: Tensor) -> Tensor:
    u, _, v = torch.linalg.svd(b.T @ a)
    return u @ v


def _linear(a: Tensor, b: Tensor) -> Tensor:
    return torch.linalg.lstsq(b.cpu(), a.cpu(), driver="gelsd").solution.to(a.device)


def rows_of(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Features [B, C, *space] as rows, the second half of the samples last; of one sample, every other position."""
    a, b = (x.movedim(1, -1).flatten(1, -2) if x.ndim > 2 else x[:, None] for x in (a, b))
    if len(a) > 1:
        half = len(a) // 2
        parts = [(x[:half].flatten(0, 1), x[half : 2 * half].flatten(0, 1)) for x in (a, b)]
    else:
        n = a.shape[1] // 2
        parts = [(x[0, 0 : 2 * n : 2], x[0, 1 : 2 * n : 2]) for x in (a, b)]
    step = max(1, -(-len(parts[0][0]) // ROWS))
    return tuple(torch.cat([first[::step], second[::step]]) for first, second in parts)  # type: ignore[return-value]


def mixes(call: Call) -> bool:
    """Whether a layer has weights between channels, so that it can tell which action they carry."""
    return any(p.ndim > 1 for p in call.module.parameters())


def more_rows(call: Call, seed: int = 0) -> Tensor | None:
    """Further inputs for a layer on vectors, as spread out as its own; None if it takes something else."""
    x = call.main_input
    if x is None or x.ndim != 2 or len(call.args) != 1 or call.kwargs or x is not call.args[0]:
        return None
    generator = torch.Generator().manual_seed(seed)
    n = 2 * max(64, GROWTH * max(x.shape[1], call.output.shape[1]))
    noise = torch.randn(n, x.shape[1], generator=generator, dtype=torch.float64).to(x)
    return x.mean(0) + noise * x.std(0).clamp_min(1e-3 * x.abs().max().clamp_min(1e-3))


def _r2(value: float) -> str:
    """Three digits, never rounded up to a perfect fit."""
    text = f"{value:.3f}"
    return "0.999" if text == "1.000" and value < 1 - 1e-6 else text
