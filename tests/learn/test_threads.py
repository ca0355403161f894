"""The number of threads is measured, and given back."""

from importlib import import_module
from types import SimpleNamespace

import torch
from tiny import dataset, network
from torch import nn

from erlangen.learn.threads import quickest_threads, threads

clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)  # of a machine on which nothing else runs


class SlowWith(nn.Module):
    """A network that takes longer with a given number of threads."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.net, self.count = network(), count

    def forward(self, x):
        clock.now += 2.0 if torch.get_num_threads() == self.count else 1.0
        return self.net(x)


def test_the_faster_number_wins_and_the_old_one_comes_back(monkeypatch):
    monkeypatch.setattr(import_module("erlangen.learn.threads"), "time", clock)
    with threads(2):
        assert quickest_threads(SlowWith(2), dataset(), precision="float32") == 1
        assert quickest_threads(SlowWith(1), dataset(), precision="float32") == 2
        assert torch.get_num_threads() == 2


def test_the_model_is_left_alone():
    model = network()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with threads(2):
        quickest_threads(model, dataset())
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
