"""The three functions of `synthetic.py`: their inputs, their values, their scales and their symmetries.

Formulas and distributions are those of emlp.datasets (emlp 1.0.3), written as arrays; the values agree to 2e-14.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray
Scales = tuple[Array, Array, Array, Array]
Move = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Experiment:
    """A function with a symmetry, and the distribution of its inputs.

    Args:
        name: the word on the command line, and in `emlp_arm.EXPERIMENTS`.
        title: what a reader calls it.
        group: the symmetry, in erlangen's words.
        input: representation of the inputs.
        output: representation of the outputs.
        sample: (points, generator) -> inputs [points, in].
        target: inputs [points, in] -> outputs [points, out].
        scales: (inputs, outputs) of the training set -> mean and scale of the input, mean and scale of the output, such
            that standardising commutes with the group.
        move: a batch (inputs, outputs) -> the same batch moved by random elements of the group, one for each point.
    """

    name: str
    title: str
    group: str
    input: str
    output: str
    sample: Callable[[int, np.random.Generator], Array]
    target: Callable[[Array], Array]
    scales: Callable[[Array, Array], Scales]
    move: Move


def invariant_target(x: Array) -> Array:
    """f(x₁, x₂) = sin|x₁| − |x₂|³/2 + x₁·x₂ / (|x₁||x₂|), two vectors of R⁵."""
    one, two = x[:, :5], x[:, 5:]
    r1, r2 = np.linalg.norm(one, axis=1), np.linalg.norm(two, axis=1)
    return (np.sin(r1) - r2**3 / 2 + np.sum(one * two, axis=1) / (r1 * r2))[:, None]


def inertia_sample(points: int, rng: np.random.Generator) -> Array:
    """Five masses, softplus of a normal number, then five normal positions."""
    x = rng.standard_normal((points, 20))
    x[:, :5] = np.logaddexp(0, x[:, :5])
    return x


def inertia_target(x: Array) -> Array:
    """I = Σᵢ mᵢ (rᵢ·rᵢ 1 − rᵢ rᵢᵀ), flattened."""
    mass, place = x[:, :5], x[:, 5:].reshape(-1, 5, 3)
    second = np.einsum("bi,bij,bik->bjk", mass, place, place)
    return (np.trace(second, axis1=1, axis2=2)[:, None, None] * np.eye(3) - second).reshape(-1, 9)


METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def scattering_target(x: Array) -> Array:
    """M = 4 Lᵉ_{μν} L^{μν}, electron-muon scattering as emlp.datasets writes it, contracted by hand.

    Lᵉ^{μν} = p₁^μ p₃^ν − (p₁·p₃ − p₁·p₁) η^{μν}, L_{μν} = p₂_μ p₄_ν − (p₂·p₄ − p₂·p₂) η_{μν}.
    """
    p = x.reshape(-1, 4, 4)
    dot = np.einsum("bim,m,bjm->bij", p, METRIC, p)
    a, b = dot[:, 0, 2] - dot[:, 0, 0], dot[:, 1, 3] - dot[:, 1, 1]
    product = dot[:, 0, 1] * dot[:, 2, 3] - b * dot[:, 0, 2] - a * dot[:, 1, 3] + 4 * a * b
    return 4 * product[:, None]


def vector_scales(size: int) -> Callable[[Array, Array], Scales]:
    """Every vector divided by the root mean square of its components, the output standardised."""

    def scales(x: Array, y: Array) -> Scales:
        root = np.sqrt((x.reshape(len(x), -1, size) ** 2).mean((0, 2)))
        return np.zeros(1), np.repeat(root, size), y.mean(0), y.std(0)

    return scales


def no_scales(x: Array, y: Array) -> Scales:
    """Numbers as they are: emlp does not standardise its inertia data."""
    return np.zeros(1), np.ones(1), np.zeros(1), np.ones(1)


def orthogonal(points: int, size: int) -> Tensor:
    """[points, size, size] uniformly random orthogonal matrices: QR with the signs of R put back."""
    q, r = torch.linalg.qr(torch.randn(points, size, size))
    return q * r.diagonal(dim1=1, dim2=2).sign()[:, None, :]


def lorentz(points: int) -> Tensor:
    """[points, 4, 4] random elements of O(1, 3): exp(0.3 boost + rotation), then parity and time reversal by coin."""
    algebra = torch.zeros(points, 4, 4)
    for i in range(3):
        j, k = (i + 1) % 3 + 1, (i + 2) % 3 + 1
        algebra[:, 0, 1 + i] = algebra[:, 1 + i, 0] = 0.3 * torch.randn(points)
        algebra[:, j, k] = torch.randn(points)
        algebra[:, k, j] = -algebra[:, j, k]
    time_sign, space_sign = torch.randint(0, 2, (2, points, 1)) * 2 - 1
    return torch.linalg.matrix_exp(algebra) * torch.cat([time_sign, space_sign.expand(-1, 3)], dim=1)[:, None, :]


def move_invariant(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Two vectors rotated, the scalar as it was."""
    return (x.reshape(-1, 2, 5) @ orthogonal(len(x), 5)).reshape(len(x), -1), y


def move_inertia(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Masses as they were, places and tensor rotated."""
    g = orthogonal(len(x), 3)
    places = (x[:, 5:].reshape(-1, 5, 3) @ g.mT).reshape(len(x), -1)
    return torch.cat([x[:, :5], places], dim=1), (g @ y.reshape(-1, 3, 3) @ g.mT).reshape(len(x), -1)


def move_scattering(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Four momenta boosted and rotated, the matrix element as it was."""
    return (x.reshape(-1, 4, 4) @ lorentz(len(x)).mT).reshape(len(x), -1), y


EXPERIMENTS = {
    e.name: e
    for e in (
        Experiment(
            "invariant",
            "O(5)-invariant function",
            "O(5)",
            "2 standard",
            "trivial",
            lambda points, rng: rng.standard_normal((points, 10)),
            invariant_target,
            vector_scales(5),
            move_invariant,
        ),
        Experiment(
            "inertia",
            "inertia tensor, O(3)",
            "O(3)",
            "5 trivial + 5 standard",
            "standard*standard",
            inertia_sample,
            inertia_target,
            no_scales,
            move_inertia,
        ),
        Experiment(
            "scattering",
            "scattering, O(1, 3)",
            "O(1,3)",
            "4 standard",
            "trivial",
            lambda points, rng: rng.standard_normal((points, 16)) / 4,
            scattering_target,
            vector_scales(4),
            move_scattering,
        ),
    )
}


def make_data(experiment: Experiment, points: int, seed: int) -> dict[str, Array]:
    """Training, validation and test set with scales; all sizes share a test set, the small set is in the large."""
    data: dict[str, Array] = {}
    for stream, (part, size) in enumerate((("train", points), ("valid", 1000), ("test", 5000))):
        data[f"x_{part}"] = experiment.sample(size, np.random.default_rng([seed, stream]))
        data[f"y_{part}"] = experiment.target(data[f"x_{part}"])
    words = ("x_mean", "x_scale", "y_mean", "y_scale")
    scales = experiment.scales(data["x_train"], data["y_train"])
    return {k: v.astype(np.float32) for k, v in (data | dict(zip(words, scales, strict=True))).items()}
