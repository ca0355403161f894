"""Stencils as representations: C(n), D(n), SO(2), O(2) in the plane, SO(3), O(3) in space."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from erlangen import Grid
from erlangen.errors import DomainError, ExactnessError, NoEquivariantMap
from erlangen.grids import Conv
from erlangen.grids.groups import exact_elements, exact_part, matrix_of, on_grid
from erlangen.grids.labels import label_of
from erlangen.grids.steering import WORST, steer
from erlangen.solve import solve
from erlangen.solve.kernel import match
from erlangen.symmetry import FiniteGroup, Representation
from erlangen.symmetry.irreps import type_dimension

PLANE = ("C3", "C5", "C6", "C8", "C12", "C16", "D3", "D6", "D8", "SO(2)", "O(2)")
SPACE = ("SO(3)", "O(3)")
PARTS = {"C3": "C1", "C6": "C2", "C8": "C4", "D6": "D2", "D8": "D4", "D3": "D1", "C12": "C4", "SO(2)": "C4"}


def group_and_d(name: str):
    d = 3 if name in SPACE else 2
    return on_grid(name, d), d


def taps(kernel: int, d: int) -> np.ndarray:
    """Coordinates (x, y, …) of a box of taps, in tensor order."""
    axes = [np.arange(kernel) - (kernel - 1) / 2] * d
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, d)[:, ::-1]


@pytest.mark.parametrize(("name", "part"), [*PARTS.items(), ("O(2)", "D4"), ("SO(3)", "O"), ("O(3)", "Oh")])
def test_the_exact_part_has_its_name(name, part):
    group, d = group_and_d(name)
    assert exact_part(group, d).name == part
    assert len(exact_elements(group, d)) == exact_part(group, d).order


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(PLANE + SPACE), kernel=st.integers(1, 5), seed=st.integers(0, 99))
def test_functions_turn_by_a_true_representation(name, kernel, seed):
    """⊕ψ is a representation, and where g permutes the taps it is exactly that permutation."""
    group, d = group_and_d(name)
    found = steer((min(kernel, 4),) * d if d == 3 else (kernel,) * d, group)
    rep, functions = found.representation, found.functions
    g, h = group.sample(2, torch.Generator().manual_seed(seed))
    assert np.allclose(rep.on(g) @ rep.on(h), rep.on(group.compose(g, h)), atol=1e-9)
    elements = exact_elements(group, d)
    side = round(len(functions) ** (1 / d))
    places = match(taps(side, d), np.stack([matrix_of(group, g, d) for g in elements]))
    assert places is not None
    for g, to in zip(elements, places, strict=True):
        moved = np.empty_like(functions)  # (g·f)(t) = f(g⁻¹ t), so the value at t goes to the tap g t
        moved[to] = functions
        assert np.abs(moved - functions @ rep.on(g)).max() < 1e-9 * max(1.0, np.abs(functions).max())


@pytest.mark.parametrize("name", PLANE)
@pytest.mark.parametrize("kernel", [3, 4, 5, 7])
def test_functions_are_independent_and_best_first(name, kernel):
    group, _ = group_and_d(name)
    found = steer((kernel, kernel), group)
    assert np.linalg.matrix_rank(found.functions) == found.functions.shape[1] <= kernel**2
    assert all(b > a - 1e-6 for a, b in zip(found.errors, found.errors[1:], strict=False))
    assert max(found.errors) < WORST
    assert np.mean(found.functions**2) * found.functions.shape[1] == pytest.approx(1.0)


def characters(rep: Representation) -> np.ndarray:
    return rep.character


def hom_by_characters(group: FiniteGroup, before: Representation, after: Representation, box: Representation) -> int:
    """dim Hom_G(ρ_in ⊗ ⊕ψ, ρ_out) = 1/|G| Σ_g χ_in χ_ψ χ_out."""
    return round(float((before.character * box.character * after.character).sum()) / group.order)


FINITE = ("C3", "C6", "C8", "C16", "D3", "D6", "D8")
REPS = ("2 trivial", "1 regular", "standard", "regular + standard", "2 regular + trivial", "standard^2")


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(FINITE), a=st.sampled_from(REPS), b=st.sampled_from(REPS), kernel=st.integers(1, 5))
def test_free_parameters_are_all_homomorphisms(name, a, b, kernel):
    """As many as characters count, and independent: no two do the same."""
    fields = [Grid(2).field(name, rep) for rep in (a, b)]
    box = steer((kernel, kernel), fields[0].group).representation
    try:
        conv = Conv(*fields, kernel, bias=False).double()
    except NoEquivariantMap:
        parts = [Representation(box.group, ((1, c),)) for _, r in fields[1].rep.terms for c in r.blocks]
        dims = [len(solve(fields[0].rep * box, part).basis) for part in parts]
        assert 0 in dims
        return
    assert conv.hom_dimension() == hom_by_characters(fields[0].group, fields[0].rep, fields[1].rep, box)
    kernels = every_kernel(conv)
    assert np.linalg.matrix_rank(kernels.reshape(len(kernels), -1)) == len(kernels)


INFINITE = [
    ("SO(2)", "irrep(0) + irrep(1)", "irrep(1) + irrep(2) + trivial", 5),
    ("SO(2)", "1 trivial", "irrep(0) + irrep(1) + irrep(2)", 3),
    ("O(2)", "irrep(0,0) + irrep(1,1)", "irrep(1,0) + irrep(1,2) + 2 standard", 5),
    ("SO(3)", "irrep(0) + irrep(1)", "irrep(1) + irrep(2)", 3),
    ("O(3)", "irrep(0,0) + irrep(1,1)", "irrep(0,0) + irrep(2,0) + irrep(1,0)", 3),
]


def every_kernel(conv: Conv) -> np.ndarray:
    """The kernel of every free parameter, [parameters, out, in, *taps]."""
    found = []
    for i, weight in enumerate(conv.weights):
        for j in range(weight.numel()):
            one = [torch.zeros_like(w) for w in conv.weights]
            one[i].view(-1)[j] = 1.0
            found.append(conv.expand(one).numpy())
    return np.stack(found)


@pytest.mark.parametrize(("name", "a", "b", "kernel"), INFINITE)
def test_kernels_of_infinite_groups_are_all_homomorphisms(name, a, b, kernel):
    """K = Σ_f C_f φ_f has Σ_e C_e ψ(g)[e, f] = ρ_out(g) C_f ρ_in(g)⁻¹; there are dim Hom_G(ρ_in ⊗ ⊕ψ, ρ_out)."""
    group, d = group_and_d(name)
    fields = [Grid(d).field(name, rep) for rep in (a, b)]
    found = steer((kernel,) * d, group)
    conv = Conv(*fields, kernel, bias=False).double()
    assert conv.hom_dimension() == solve(fields[0].rep * found.representation, fields[1].rep).dim
    kernels = every_kernel(conv).reshape(conv.hom_dimension(), fields[1].size, fields[0].size, -1)
    assert np.linalg.matrix_rank(kernels.reshape(len(kernels), -1)) == len(kernels)
    coefficients = kernels @ np.linalg.pinv(found.functions).T
    assert np.allclose(coefficients @ found.functions.T, kernels, atol=1e-9)
    for g in group.sample(3, torch.Generator().manual_seed(0)):
        left = np.einsum("noif,fe->noie", coefficients, found.representation.on(g))
        right = np.einsum("op,npjf,ij->noif", fields[1].rep.on(g), coefficients, fields[0].rep.on(g))
        assert np.abs(left - right).max() < 1e-9


def test_the_oracle_counts_real_types():
    """An irrep of complex type has more endomorphisms: the count by characters is right for it as well."""
    group, _ = group_and_d("C8")
    assert [type_dimension(rep) for rep in group.irreps] == [1, 2, 2, 2, 1]
    field = Grid(2).field("C8", "irrep(1)")
    assert Conv(field, field, 1, bias=False).hom_dimension() == 2


class Waves:
    """A band-limited signal that can be evaluated anywhere: a sum of waves no shorter than some pixels."""

    def __init__(self, channels: int, d: int, shortest: float, seed: int) -> None:
        r = np.random.default_rng(seed)
        direction = r.normal(size=(40, d))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        self.k = direction * (2 * np.pi / shortest) * r.uniform(size=(40, 1)) ** (1 / d)
        self.phase, self.height = r.uniform(0, 6.3, 40), r.normal(size=(40, channels))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return np.cos(points @ self.k.T + self.phase) @ self.height


def error(conv: Conv, g, shortest: float) -> float:
    """|f(g·x) - g·f(x)| / |f(x)| at the origin, over many signals, nothing interpolated."""
    before, after, d = conv.in_field.rep, conv.out_field.rep, conv.d
    points = taps(conv.kernel_size[0], d)
    matrix = matrix_of(before.group, g, d)
    still, moved = [], []
    for seed in range(40):
        x = Waves(before.size, d, shortest, seed)
        still.append(x(points).T)
        moved.append(before.on(g) @ x(points @ matrix).T)  # ρ(g) x(g⁻¹t)
    with torch.no_grad():
        kernel = conv.kernel().flatten(2)
        y, z = (torch.einsum("oit,bit->bo", kernel, torch.from_numpy(np.stack(v))) for v in (still, moved))
    expected = y @ torch.from_numpy(after.on(g)).T
    return float((z - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [
        ("C8", "1 regular", "1 regular"),
        ("D8", "1 trivial", "1 regular"),
        ("C6", "1 regular", "1 regular"),
        ("SO(2)", "irrep(0) + irrep(1)", "irrep(0) + irrep(1) + irrep(2)"),
        ("O(2)", "1 trivial", "irrep(0,0) + irrep(1,1)"),
    ],
)
def test_smooth_signals_turn_well(name, a, b):
    torch.manual_seed(0)
    group, _ = group_and_d(name)
    fields = [Grid(2).field(name, rep) for rep in (a, b)]
    g = 1 if isinstance(group, FiniteGroup) else np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    assert error(Conv(*fields, 3).double(), g, 8.0) < 0.1
    assert error(Conv(*fields, 7).double(), g, 8.0) < 0.04
    for h in exact_elements(group, 2):
        assert error(Conv(*fields, 3).double(), h, 2.0) < 1e-12  # rough signals, too


def test_smooth_volumes_turn_well():
    torch.manual_seed(0)
    fields = [Grid(3).field("SO(3)", rep) for rep in ("irrep(0) + irrep(1)", "irrep(0) + irrep(1) + irrep(2)")]
    g = fields[0].group.sample(1, torch.Generator().manual_seed(0))[0]
    assert error(Conv(*fields, 5).double(), g, 8.0) < 0.1
    assert error(Conv(*fields, 5).double(), exact_elements(fields[0].group, 3)[7], 2.0) < 1e-12


def test_a_kernel_that_only_permutes_taps_does_not_turn_well():
    """The measure can fail: a C4 kernel is no C8 kernel."""
    torch.manual_seed(0)
    field = Grid(2).field("C8", "1 regular")
    conv = Conv(field, field, 5).double()
    with torch.no_grad():
        for weight in conv.weights:
            weight.normal_()
    good = error(conv, 1, 8.0)
    conv.expand.induced["0"].tables._buffers["turned"].copy_(torch.randn_like(conv.expand.induced["0"].tables.turned))
    assert error(conv, 1, 8.0) > 10 * good


def test_labels():
    plane, space = on_grid("O(2)", 2), on_grid("O(3)", 3)
    assert [label_of(plane, g) for g in exact_elements(plane, 2)] == [on_grid("D4", 2).label(g) for g in range(8)]
    assert label_of(space, np.eye(3)) == "e"
    assert label_of(space, -np.eye(3)) == "-1"
    assert label_of(space, np.diag([-1.0, -1.0, 1.0])) == "r180 about (0, 0, 1)"
    turned = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert label_of(space, turned) == "r90 about (0, 0, 1)"
    assert label_of(space, turned.T) == "r90 about (0, 0, -1)"
    assert label_of(on_grid("C8", 2), 3) == "r135"


def test_mistakes():
    with pytest.raises(DomainError, match="does not turn a stencil of 3×5 taps"):
        steer((3, 5), on_grid("C8", 2))
    with pytest.raises(ExactnessError, match="exchanges axes"):
        Conv(Grid(2).field("SO(2)", 1), Grid(2).field("SO(2)", "standard"), (3, 5))
    with pytest.raises(DomainError, match="it exchanges axes"):
        Grid(2, (8, 9)).field("SO(2)", 1)
    with pytest.raises(DomainError, match="does not turn"):
        Grid(3).field("C8", 1)
    with pytest.raises(NoEquivariantMap):
        Conv(Grid(2).field("SO(2)", 1), Grid(2).field("SO(2)", "irrep(9)"), 3)
