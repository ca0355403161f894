"""Placeholder."""

from erlangen.errors import FieldError


def average(a, b, seed):
    raise FieldError("x")
