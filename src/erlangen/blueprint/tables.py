"""Constant numbers that layers hold exactly."""

import numpy as np
import torch
from torch import nn


class Tables(nn.Module):
    """Constant numbers known in float64, held as buffers in the dtype of the module.

    A cast of the module takes them from float64 again, so that a layer built in float32 is exact in float64. They are
    no part of the state_dict.

    Args:
        tables: name -> array.
    """

    def __init__(self, tables: dict[str, np.ndarray]) -> None:
        super().__init__()
        self._exact = {name: torch.from_numpy(np.ascontiguousarray(t, np.float64)) for name, t in tables.items()}
        for name, table in self._exact.items():
            self.register_buffer(name, table.to(torch.get_default_dtype()), persistent=False)

    def _apply(self, fn, recurse: bool = True):  # type: ignore[no-untyped-def]
        super()._apply(fn, recurse)
        for name, exact in self._exact.items():
            self._buffers[name] = exact.to(self._buffers[name])
        return self
