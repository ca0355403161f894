"""The pytest plugin, as somebody who writes layers of their own meets it."""

import pytest

pytest_plugins = ["pytester"]

LAYER = """
import torch
from erlangen.blueprint import EquivariantModule
from erlangen.point import EquivariantLinear, Point

FIELD = Point().field("C4", "regular")

class Stretch(EquivariantModule):
    def __init__(self):
        super().__init__(FIELD, FIELD)
        self.scale = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))

    def forward(self, x):
        return x * self.scale

def test_mine(assert_equivariant):
    report = assert_equivariant(EquivariantLinear(FIELD, FIELD), skip=["compile", "torch.export"])
    assert report["complete"].status == "holds"

def test_broken(assert_equivariant):
    assert_equivariant(Stretch(), only=["equivariance in float64", "complete"])
"""


def test_the_fixture_in_somebodys_project(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["erlangen.testing.plugin"]')
    pytester.makepyfile(LAYER)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Stretch breaks the law 'equivariance in float64'*", "*breaks the law 'complete'*"])
