"""Augmentations that change values and move no point: colour, light and noise."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.adapt.compose import KeepsTargets, uniform
from erlangen.blueprint import Signal
from erlangen.errors import FieldError

CHANGES = ("hue", "saturation", "brightness", "contrast")
HUE = 0.5  # largest turn of the colour circle, in radians
SATURATION, CONTRAST = 0.4, 0.3  # largest relative change
BRIGHTNESS = 0.2  # largest shift, of values between 0 and 1
LIGHT, NOISE = 0.3, 0.1


class RandomColour(KeepsTargets):
    """Every image with another hue, saturation, brightness and contrast, each uniform about no change.

    Images hold values between 0 and 1 and keep to them; those of one channel have no hue and no saturation, so a change
    of all kinds leaves these out.

    Args:
        changes: which of `CHANGES`.

    Raises:
        FieldError: (when called) values outside of [0, 1], or a hue asked of images that do not have three channels.
    """

    def __init__(self, changes: tuple[str, ...] = CHANGES) -> None:
        self.changes = changes

    def __call__(self, x: Float[Tensor, "b c n m"], generator: torch.Generator) -> Float[Tensor, "b c n m"]:
        """The recoloured images."""
        from kornia.enhance import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation

        self._check(x)
        b = len(x)
        drawn = {
            "hue": uniform(-HUE, HUE, b, generator),
            "saturation": uniform(1 - SATURATION, 1 + SATURATION, b, generator),
            "brightness": uniform(-BRIGHTNESS, BRIGHTNESS, b, generator),
            "contrast": uniform(1 - CONTRAST, 1 + CONTRAST, b, generator),
        }
        known: dict[str, Any] = {
            "hue": adjust_hue,
            "saturation": adjust_saturation,
            "brightness": adjust_brightness,
            "contrast": adjust_contrast,
        }
        for name in self.changes:
            if name in ("brightness", "contrast") or x.shape[1] == 3:
                x = known[name](x, drawn[name].to(x))
        return x

    def _check(self, x: Tensor) -> None:
        if self.changes != CHANGES and x.shape[1] != 3 and set(self.changes) & {"hue", "saturation"}:
            raise FieldError(f"{self.changes[0]} is of images with 3 channels, got {x.shape[1]}. Fix: 'brightness'.")
        if x.numel():
            low, high = (float(end) for end in x.aminmax())
            if low < -1e-4 or high > 1 + 1e-4:
                raise FieldError(
                    f"colours are values between 0 and 1, got {low:.3g} … {high:.3g}. Fix: scale the images to [0, 1], "
                    "and normalise inside the network; or 'illumination', which takes any values."
                )


class RandomLight(KeepsTargets):
    """Every signal under another light, bright on one side: multiplied by exp(a + r·u), with u from -1 to 1.

    Args:
        strength: standard deviation of a and of the entries of r.
    """

    def __init__(self, strength: float = LIGHT) -> None:
        self.strength = strength

    def __call__(self, x: Float[Tensor, "b c *space"], generator: torch.Generator) -> Float[Tensor, "b c *space"]:
        """The signals in other light."""
        d = x.ndim - 2
        drawn = (self.strength * torch.randn(len(x), d + 1, generator=generator)).to(x)
        exponent = drawn[:, 0].reshape(-1, *[1] * (d + 1))
        for axis in range(d):
            shape = [1] * x.ndim
            shape[2 + axis] = x.shape[2 + axis]
            place = torch.linspace(-1.0, 1.0, x.shape[2 + axis], device=x.device, dtype=x.dtype).reshape(shape)
            exponent = exponent + drawn[:, 1 + axis].reshape(-1, *[1] * (d + 1)) * place
        return x * exponent.exp()


class RandomNoise(KeepsTargets):
    """Gaussian noise on every value, in proportion to the spread of the whole batch.

    Args:
        strength: standard deviation of the noise, in standard deviations of the values.
    """

    def __init__(self, strength: float = NOISE) -> None:
        self.strength = strength

    def __call__(self, signal: Any, generator: torch.Generator) -> Any:
        """The noisy signals, [B, C, …] or on graphs."""
        x = signal.x if isinstance(signal, Signal) else signal
        spread = x.std(correction=0) if x.numel() else x.new_ones(())
        noisy = x + self.strength * spread * torch.randn(x.shape, generator=generator).to(x)
        return Signal(noisy, signal.on) if isinstance(signal, Signal) else noisy
