"""Group convolutions: exact at every size, complete, and refused where a stride breaks them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from erlangen.blueprint import Sequential, space_from
from erlangen.errors import DomainError, ExactnessError, FieldError, NoEquivariantMap
from erlangen.grids import Conv, Grid, Pool, point_matrices
from erlangen.solve import stencil_permutation

VOLUME = ("C1", "Cs", "Ci", "C2", "C2v", "D2", "C4", "C4v", "C4h", "D4", "D4h", "T", "Td", "O", "Oh")
GROUPS = {1: ("C1", "D1"), 2: ("C1", "C2", "C4", "D1", "D2", "D4"), 3: VOLUME}
REPS = (
    "3 trivial",
    "2 regular",
    "standard",
    "sign",
    "2 quotient(C1)",
    "regular + 2 trivial",
    "standard + sign + regular",
    "2 irrep2",
    "irrep3 + trivial",
)


def field(d: int, group: str, rep: str, shape=None):
    space = Grid(d, shape)
    known = space.symmetries(group)
    if "sign" not in known.representations:
        rep = rep.replace("sign", "trivial")
    for k in (2, 3):  # such as the two-dimensional irrep of O, which permutes no axes
        rep = rep.replace(f"irrep{k}", str(known.irreps[k % len(known.irreps)].terms[0][1]))
    return space.field(group, rep)


def error(module, x) -> float:
    """Largest relative error over all elements."""
    y = module(x)
    group = module.in_field.group
    worst = 0.0
    for g in group.elements:
        moved = module(module.in_field.act(g, x))
        worst = max(worst, float((moved - module.out_field.act(g, y)).norm() / y.norm().clamp(min=1e-30)))
    return worst


@st.composite
def layers(draw):
    d = draw(st.sampled_from([1, 2, 2, 2, 3]))
    group = draw(st.sampled_from(GROUPS[d]))
    pair = [draw(st.sampled_from(REPS)) for _ in range(2)]
    kernel = draw(st.integers(1, 5 if d < 3 else 3))
    dilation = draw(st.integers(1, 2))
    stride = draw(st.sampled_from([1, 1, 2, 4]))
    padding = draw(st.integers(0, 3))
    n = draw(st.integers(9, 12))
    mode = draw(st.sampled_from(["zeros", "circular"]))
    return (
        d,
        group,
        pair,
        {"kernel_size": kernel, "dilation": dilation, "stride": stride, "padding": padding, "padding_mode": mode},
        n,
    )


@settings(max_examples=80, deadline=None)
@given(layers())
def test_equivariance_or_refusal(layer):
    """f(g·x) = g·f(x) in float64 to 1e-12 and float32 to 1e-5, or a refusal exactly where the rule says so."""
    d, group, (rep_in, rep_out), options, n = layer
    try:
        conv = Conv(field(d, group, rep_in), field(d, group, rep_out), **options)
    except NoEquivariantMap:
        return
    if min(conv.out_shape((n,) * d)) < 1:
        return
    x = torch.randn(1, conv.in_field.size, *(n,) * d, dtype=torch.float64)
    exact, _ = conv.exact_when((n,) * d)
    rest = (n + 2 * options["padding"] - options["dilation"] * (options["kernel_size"] - 1) - 1) % options["stride"]
    assert exact == (rest == 0 or group == "C1" or (d == 1 and group == "C1"))
    if not exact:
        with pytest.raises(ExactnessError, match="Fix"):
            conv.double()(x)
        return
    conv = conv.double()
    if float(conv(x).detach().norm()) == 0:  # such as a sign field seen through one tap only
        return
    with torch.no_grad():
        assert error(conv, x) <= 1e-12
        assert error(conv.float(), x.float()) <= 1e-5


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("n", [16, 17, 28, 29])
@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6])
def test_refusal_is_right(stride, n, kernel):
    """Where the plan says exact the error is rounding; where it refuses, allowing it shows a real error."""
    f = Grid(2).field("C4", "1 regular")
    conv = Conv(f, f, kernel, stride=stride, padding=1, inexact="allow").double()
    x = torch.randn(1, f.size, n, n, dtype=torch.float64)
    with torch.no_grad():
        measured = error(conv, x)
    exact, _ = conv.exact_when((n, n))
    assert measured <= 1e-12 if exact else measured > 0.1


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_complete(d, k):
    """Free parameters number 1/|G| Σ χ_out χ_in fix, and the expanded kernels span as many dimensions."""
    for group in GROUPS[d]:
        for rep_in, rep_out in (
            ("regular", "regular"),
            ("trivial", "regular"),
            ("standard", "regular"),
            ("standard", "standard"),
            ("irrep2", "irrep3 + irrep2"),
        ):
            a, b = field(d, group, rep_in), field(d, group, rep_out)
            try:
                conv = Conv(a, b, k, bias=False).double()
            except NoEquivariantMap:
                continue
            matrices = point_matrices(a.group, d)
            taps = stencil_permutation((k,) * d, matrices)
            fixed = (taps == np.arange(taps.shape[1])).sum(axis=1)
            oracle = round(float((a.rep.character * b.rep.character * fixed).sum()) / len(matrices))
            assert conv.hom_dimension() == oracle == sum(p.numel() for p in conv.parameters())
            if d < 3:
                jacobian = torch.func.jacrev(
                    lambda w, c=conv: torch.func.functional_call(_Kernel(c), {"conv.weights.0": w})
                )(conv.weights[0].detach())
                assert int(torch.linalg.matrix_rank(jacobian.reshape(-1, conv.weights[0].numel()))) == len(
                    conv.weights[0].ravel()
                )


class _Kernel(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self):
        return self.conv.kernel()


def test_regular_pair_has_order_times_taps():
    """|G|·k² free parameters per pair of regular fields."""
    for name, order in (("C4", 4), ("D4", 8)):
        f = Grid(2).field(name, "3 regular")
        for k in (3, 5, 7):
            assert Conv(f, f, k, bias=False).hom_dimension() == 9 * order * k * k


def test_kernels_span_the_null_space():
    """The same subspace as the null space of the constraint K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹, solved densely."""
    space = Grid(2)
    for name in ("C4", "D2", "D4"):
        for rep_in, rep_out in (
            ("regular", "standard"),
            ("standard", "standard"),
            ("quotient(D1)" if name[0] == "D" else "sign", "regular"),
        ):
            a, b = space.field(name, rep_in), space.field(name, rep_out)
            taps = stencil_permutation((3, 3), point_matrices(a.group, 2))
            size = b.size * a.size * 9
            rows = []
            for g in a.group.generators.values():
                move = np.zeros((9, 9))
                move[taps[g], np.arange(9)] = 1
                full = np.einsum("ij,kl,mn->ikmjln", b.rep.matrices()[g], a.rep.matrices()[g], move).reshape(size, size)
                rows.append(full - np.eye(size))
            _, singular, basis = np.linalg.svd(np.concatenate(rows))
            null = basis[(singular > 1e-9).sum() :]
            conv = Conv(a, b, 3, bias=False).double()
            assert len(null) == conv.hom_dimension()
            kernel = conv.kernel().detach().reshape(-1).numpy()
            assert np.linalg.norm(kernel - null.T @ (null @ kernel)) <= 1e-12 * np.linalg.norm(kernel)


def test_rectangular_kernels_and_inputs():
    """D2 keeps rectangles; C4 refuses them, with the reason."""
    space = Grid(2)
    f = space.field("D2", "2 regular")
    x = torch.randn(2, f.size, 9, 14, dtype=torch.float64)
    with torch.no_grad():
        assert error(Conv(f, f, (3, 5)).double(), x) <= 1e-12
    g = space.field("C4", "2 regular")
    with pytest.raises(ExactnessError, match="kernel"):
        Conv(g, g, (3, 5))
    with pytest.raises(ExactnessError, match="exchanges"):
        Conv(g, g, 3, stride=(1, 2))
    with pytest.raises(DomainError, match="exchanges axes 0 and 1"):
        Grid(2, (9, 14)).field("C4")


def test_groups_dilation_bias():
    """Grouped convolutions are exact and have 1/groups of the parameters."""
    f = Grid(2).field("D4", "4 regular")
    conv = Conv(f, f, 3, groups=2, dilation=2, bias=True).double()
    torch.nn.init.normal_(conv.bias)
    assert conv.hom_dimension() == 4 * 2 * 8 * 9 + 4
    with torch.no_grad():
        assert error(conv, torch.randn(2, f.size, 11, 11, dtype=torch.float64)) <= 1e-12
    with pytest.raises(FieldError, match="groups"):
        Conv(f, Grid(2).field("D4", "3 regular"), 3, groups=2)


def test_errors_teach():
    """What, where, the law and the fix."""
    space = Grid(2)
    f = space.field("C4", "8 regular")
    with pytest.raises(FieldError, match=r"expects 8 regular of C4 \(32 channels\), got 24 channels = 6 regular"):
        Conv(f, f, 3)(torch.randn(1, 24, 8, 8))
    with pytest.raises(NoEquivariantMap, match="dim Hom_G = 0"):
        Conv(space.field("C4", "trivial"), space.field("C4", "sign"), 1)
    with pytest.raises(FieldError, match="one grid and one group"):
        Conv(f, space.field("D4", "regular"), 3)
    with pytest.raises(DomainError, match=r"does not have the symmetry SO\(3\)"):
        space.field("SO(3)")
    with pytest.raises(DomainError, match="exchanges axes 0 and 1"):
        Grid(2, (8, 9)).field("C8")
    with pytest.raises(DomainError, match="kernel_size"):
        Conv(f, f, 0)


def test_export_is_plain():
    """The exported layer is torch's own convolution with equal outputs."""
    f = Grid(2).field("D4", "standard + 2 regular")
    conv = Conv(f, f, 3, stride=2)
    plain = conv.export()
    assert type(plain) is torch.nn.Conv2d
    x = torch.randn(2, f.size, 9, 9)
    assert torch.allclose(conv(x), plain(x), atol=1e-5)


def test_bf16_autocast_stays_near():
    """The layer runs in bfloat16 under autocast, within its rounding, and its gradients are float32."""
    f = Grid(2).field("C4", "4 regular")
    conv = Conv(f, f, 5)
    x = torch.randn(2, f.size, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = conv(x)
    assert y.dtype == torch.bfloat16
    assert float((y.float() - conv(x)).detach().norm() / conv(x).detach().norm()) < 0.02
    y.sum().backward()
    assert conv.weights[0].grad.dtype == torch.float32


def test_volumes_offer_the_groups_that_their_spacing_has():
    cubic, flat = Grid(3, (16, 16, 16)), Grid(3, (16, 16, 16), spacing=(2.5, 1, 1))
    assert cubic.symmetries().name == "Oh"
    assert flat.symmetries().name == "D4h"
    assert flat.symmetries("D4").standard.size == 3
    assert Grid(3, spacing=(3, 2, 1)).symmetries().name == "D2h"
    with pytest.raises(DomainError, match=r"exchanges axes 0 and .*, with spacing 2\.5 and 1"):
        flat.field("O", 1)
    with pytest.raises(DomainError, match="positive finite spacings"):
        Grid(3, spacing=(1, 1, 0))
    again = space_from(flat.describe())
    assert again == flat
    assert again != cubic


def test_the_complete_kernel_space_of_the_cube():
    o = Grid(3).field("O", "regular")
    assert Conv(o, o, 3, bias=False).hom_dimension() == 648
    assert Conv(o, o, 5, bias=False).hom_dimension() == 3000


def test_volumes_of_one_channel_compile_with_what_follows() -> None:
    """A compiler that reads another memory format off the single channel would get strides that are not there."""
    scalar, regular = field(3, "O", "trivial"), field(3, "O", "regular")
    net = Sequential(Conv(scalar, regular, 3), Pool(regular)).eval()
    x = torch.randn(2, 1, 6, 6, 6)
    torch._dynamo.reset()
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), net(x))
