"""DRAFT"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Scales = tuple[Array, Array, Array, Array]


@dataclass(frozen=True)
class Experiment:
    """A function with a symmetry, and the distribution of its inputs.

    Args:
        name: the word on the command line, and in `emlp_arm.EXPERIMENTS`.
        group: the symmetry, in erlangen's words.
        sample: (points, generator) -> inputs [points, in].
        target: inputs [points, in] -> outputs [points, out].
        scales: (inputs, outputs) of the training set -> mean and scale of the input, mean and scale of the output, such
            that standardising commutes with the group.
        elements: (points, generator) -> ρ_in [points, in, in] and ρ_out [points, out, out] of random elements.
    """

    name: str
    group: str
    sample: Callable[[int, np.random.Generator], Array]
    target: Callable[[Array], Array]
    scales: Callable[[Array, Array], Scales]
    elements: Callable[[int, np.random.Generator], tuple[Array, Array]]


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
