"""One healthy layer, and copies of it that each break something on purpose, to test the conformance suite itself."""

import copy
import threading
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen import Grid
from erlangen.blueprint import EquivariantModule

REGULAR = Grid(2).field("C4", "1 regular")


class Healthy(EquivariantModule):
    """y_g = Σ_h w_{h-g} x_h + b at every pixel: the circulant matrices, all that commutes with ρ_regular of C4."""

    def __init__(self) -> None:
        super().__init__(REGULAR, REGULAR)
        self.weight, self.bias = nn.Parameter(torch.tensor([1.0, 0.5, -0.25, 0.125])), nn.Parameter(torch.zeros(1))

    def kernel(self) -> Tensor:
        return torch.stack([self.weight.roll(g) for g in range(4)])[:, :, None, None]

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.kernel(), self.bias.expand(4))

    def hom_dimension(self) -> int:
        return 5

    def export(self) -> nn.Module:
        plain = nn.Conv2d(4, 4, 1).to(self.weight)
        with torch.no_grad():
            plain.weight.copy_(self.kernel())
            plain.bias.copy_(self.bias.expand(4))
        return plain


class Claimed(EquivariantModule):
    """Any torch module, claimed to map regular fields to regular fields."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__(REGULAR, REGULAR)
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)

    def export(self) -> nn.Module:
        return copy.deepcopy(self.inner)


def random_kernel() -> EquivariantModule:
    """An ordinary convolution."""
    return Claimed(nn.Conv2d(4, 4, 3, padding=1))


class BiasPerChannel(Healthy):
    """One bias a channel, all zero when the layer is new: unbroken until it has been trained."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(4))

    def hom_dimension(self) -> int:
        return 8


def statistics_per_channel() -> EquivariantModule:
    """Batch statistics move along with the channels, running statistics do not: broken in evaluation only."""
    return Claimed(nn.BatchNorm2d(4, affine=False))


class LosesPrecision(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + functional.conv2d(x.float(), self.kernel().float(), None).to(x.dtype)

    def export(self) -> nn.Module:
        plain = super().export()
        with torch.no_grad():
            plain.weight.mul_(2)
        return plain


class BrokenInTraining(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y * torch.linspace(1, 2, y.shape[-1], dtype=y.dtype) if self.training else y


class TooFewChannels(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, :3]


class ChangesItsInput(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.mul_(2.0) if not x.requires_grad else x)


class Constant(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ones_like(x) * self.bias


class LiesAboutItsSize(Healthy):
    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(n // 2 for n in shape)


class FailsAtOddSizes(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).unflatten(-1, (x.shape[-1] // 2, 2)).flatten(-2)


class Redundant(Healthy):
    """More parameters than maps."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def kernel(self) -> Tensor:
        return super().kernel() * self.scale


class _WrongDerivative(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x * 2.0

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * 3.0


class WrongDerivative(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return _WrongDerivative.apply(super().forward(x)) / 2


class SeesItsNeighbours(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(dim=0, keepdim=True)) if x.shape[0] else super().forward(x)


class RandomInEvaluation(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1e-8 * torch.rand(())


class NeedsABatch(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (x.shape[0] / x.shape[0])


class DividesByZero(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x / x.square().sum(1, keepdim=True).sqrt())


class InfiniteDerivative(Healthy):
    """|x| x is 0 at 0, with derivative 0; automatic differentiation multiplies 0 by infinity."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * x.square().sum(1, keepdim=True).sqrt())


class SilentRepr(Healthy):
    def __repr__(self) -> str:
        return "a layer"


class HoldsALambda(Healthy):
    def __init__(self) -> None:
        super().__init__()
        self.activation = lambda x: x

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(super().forward(x))


class HoldsALock(Healthy):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class SharesItsMemory(Healthy):
    def __deepcopy__(self, memo: dict[int, Any]) -> "SharesItsMemory":
        other = SharesItsMemory()
        other.weight, other.bias = self.weight, self.bias
        return other.train(self.training)


class OtherKeysInEvaluation(Healthy):
    def train(self, mode: bool = True) -> "OtherKeysInEvaluation":
        super().train(mode)
        self._buffers.pop("expanded", None)
        if not mode:
            self.register_buffer("expanded", self.kernel().detach())
        return self


class StaleCache(Healthy):
    """Expands its kernel once in evaluation, and does not notice that other weights are loaded."""

    cache: Tensor | None = None

    def train(self, mode: bool = True) -> "StaleCache":
        if mode:
            self.cache = None
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        if self.training or torch.is_grad_enabled():
            return super().forward(x)
        if self.cache is None or self.cache.dtype != x.dtype:
            self.cache = self.kernel().detach()
        return functional.conv2d(x, self.cache, self.bias.expand(4))


class KeysMadeOfReprs(Healthy):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis[(1, 'regular')]", torch.ones(1))


class CancelsInBfloat16(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        shift = torch.full_like(x[:1], 60.0)
        return super().forward(x + shift) - super().forward(shift) + self.bias


class ReadsRawMemory(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        if x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous():
            x = x.as_strided(x.shape, torch.empty(x.shape).stride())
        return super().forward(x)


class WritesInPlace(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros(x.shape, dtype=x.dtype)
        y += super().forward(x)
        return y


class BranchesOnData(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if x.sum() > -1e9 else -y


class FixesTheBatch(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).reshape(int(x.shape[0]), 4, *x.shape[2:])


class NoExport(Healthy):
    def export(self) -> nn.Module:
        return EquivariantModule.export(self)


class ExportsItself(Healthy):
    def export(self) -> nn.Module:
        return nn.Sequential(copy.deepcopy(self))


class ExportsOldNumbers(Healthy):
    def export(self) -> nn.Module:
        plain = super().export()
        with torch.no_grad():
            plain.weight.mul_(1.001)
        return plain


class ExportsARepresentation(Healthy):
    def export(self) -> nn.Module:
        plain = super().export()
        plain.types = [REGULAR.rep]  # type: ignore[assignment]
        return plain


# defects that spoil whatever is checked, so that nearly every law fails beside the one that names them
SPREADING = {TooFewChannels, ChangesItsInput, Constant, RandomInEvaluation, SharesItsMemory, BranchesOnData}

# what is broken -> the laws that must be named, and no others
CONTROLS: dict[Any, set[str]] = {
    random_kernel: {"equivariance in float32", "equivariance in float64", "equivariance in training", "complete"},
    BiasPerChannel: {"equivariance in float32", "equivariance in float64", "equivariance in training", "complete"},
    statistics_per_channel: {"equivariance in float32", "equivariance in float64"},
    LosesPrecision: {"equivariance in float64", "gradients"},
    BrokenInTraining: {"equivariance in training"},
    TooFewChannels: {"output"},
    ChangesItsInput: {"output"},
    Constant: {"output"},
    LiesAboutItsSize: {"output"},
    FailsAtOddSizes: {"output"},
    Redundant: {"free parameters"},
    WrongDerivative: {"gradients"},
    SeesItsNeighbours: {"batch"},
    RandomInEvaluation: {"batch"},
    NeedsABatch: {"empty batch"},
    DividesByZero: {"zeros"},
    InfiniteDerivative: {"zeros"},
    SilentRepr: {"repr"},
    HoldsALambda: {"pickle"},
    HoldsALock: {"deepcopy"},
    SharesItsMemory: {"deepcopy"},
    OtherKeysInEvaluation: {"state_dict"},
    StaleCache: {"state_dict"},
    KeysMadeOfReprs: {"state_dict"},
    CancelsInBfloat16: {"bfloat16 autocast", "bfloat16"},
    ReadsRawMemory: {"memory formats", "vmap"},
    WritesInPlace: {"vmap"},
    BranchesOnData: {"compile"},
    FixesTheBatch: {"torch.export"},
    NoExport: {"plain export"},
    ExportsItself: {"plain export"},
    ExportsOldNumbers: {"plain export"},
    ExportsARepresentation: {"plain export"},
}
