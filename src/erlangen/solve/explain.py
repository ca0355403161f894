"""Basis maps in words: sums over indices where tensors are permuted, nonzero entries elsewhere."""

from string import ascii_lowercase

import numpy as np

from erlangen.solve.certificate import Block, Certificate
from erlangen.symmetry import Component, Representation
from erlangen.symmetry.constructions import Tensor

LONGEST = 12  # outputs, and summands of one output, that are listed


def explain(certificate: Certificate) -> str:
    """Every basis map of a certificate, one line each.

    Where both sides are tensors over points that are permuted, and equal indices are all that tells entries apart, a
    line is a formula such as `y[i,j] += w3 · x[j,i]` for different letters; elsewhere it lists the entries.

    Args:
        certificate: what `solve` found.
    """
    before, after = certificate.rho_in, certificate.rho_out
    lines = [
        f"y = W x with W in Hom_{before.group}({before}, {after}), dimension {certificate.dim}; "
        "every line has a free weight"
    ]
    for block in certificate.blocks:
        rows, columns = block.out_channels, block.in_channels
        if len(certificate.blocks) > 1 or block.copies_in * block.copies_out > 1:
            lines.append(
                f"channels {rows.start}…{rows.stop - 1} from {columns.start}…{columns.stop - 1}: "
                f"{block.copies_out} x {block.copies_in} copies of {block.pair.dim} maps"
            )
        a, b = _component(before, columns), _component(after, rows)
        lines += _formulas(block, a, b) or _entries(block, _axes(a) or (a.size,), _axes(b) or (b.size,))
    return "\n".join(lines)


def _component(rep: Representation, channels: slice) -> Component:
    return next(c for where, _, c in rep.slices() if where.start <= channels.start < where.stop)


def _axes(component: Component) -> tuple[int, ...] | None:
    """Sizes of the indices of a tensor power; None for anything that is not a tensor product of single components."""
    if not isinstance(component, Tensor):
        return (component.size,) if component.size > 1 else ()
    found: tuple[int, ...] = ()
    for factor in (component.left, component.right):
        if len(factor.terms) != 1 or factor.terms[0][0] != 1:
            return None
        axes = _axes(factor.terms[0][1])
        if axes is None:
            return None
        found += axes
    return found


def _formulas(block: Block, a: Component, b: Component) -> list[str] | None:
    """One formula a basis map, if the orbits are exactly the patterns of equal indices."""
    axes_in, axes_out = _axes(a), _axes(b)
    index = block.pair.index
    if index is None or block.pair.sign is None or axes_in is None or axes_out is None:
        return None
    sizes = set(axes_in + axes_out)
    if len(sizes) != 1 or (block.pair.sign != 1).any():
        return None
    flat = index.ravel()
    places = np.stack(np.unravel_index(np.arange(flat.size), axes_out + axes_in), axis=-1)
    patterns = (places[:, :, None] == places[:, None, :]).argmax(axis=1)  # first position with the same index
    first = np.unique(flat, return_index=True)[1]
    if not (patterns == patterns[first][flat]).all() or len(np.unique(patterns, axis=0)) != len(first):
        return None
    return [
        _formula(block.start + d * block.copies_out * block.copies_in, patterns[k].tolist(), len(axes_out))
        for d, k in enumerate(first)
    ]


def _formula(weight: int, pattern: list[int], rank_out: int) -> str:
    """One sum, such as "y[i,j] += w3 · Σ_k x[i,k]", from the first position of each class of equal indices."""
    names = {p: letter for p, letter in zip(sorted(set(pattern)), ascii_lowercase[8:], strict=False)}
    letters = [names[p] for p in pattern]
    out, into = letters[:rank_out], letters[rank_out:]
    summed = [letter for letter in dict.fromkeys(into) if letter not in out]
    different = list(dict.fromkeys(letters))
    y = f"y[{','.join(out)}]" if out else "y"
    x = f"x[{','.join(into)}]" if into else "1"
    total = f"Σ_{','.join(summed)} " if summed else ""
    note = (
        ""
        if len(different) < 2
        else f"   ({' ≠ '.join(different)})"
        if len(different) == 2
        else (f"   ({', '.join(different)} all different)")
    )
    return f"  w{weight}: {y} += {total}{x}{note}"


def _entries(block: Block, axes_in: tuple[int, ...], axes_out: tuple[int, ...]) -> list[str]:
    """Every basis map as sums of inputs, one for each output; entries of an orbit are all ±1 times its weight."""
    lines = []
    for d, matrix in enumerate(block.basis):
        if block.pair.index is not None:
            matrix = np.sign(matrix)
        fed = np.flatnonzero((np.abs(matrix) > 1e-9).any(axis=1))
        parts = []
        for row in fed[:LONGEST]:
            terms = [
                _term(matrix[row, column], _place(int(column), axes_in))
                for column in np.flatnonzero(np.abs(matrix[row]) > 1e-9)
            ]
            total = " ".join(terms[:LONGEST]).removeprefix("+ ") + (" …" if len(terms) > LONGEST else "")
            parts.append(f"y{_place(int(row), axes_out)} += {total}")
        more = f"; … {len(fed)} outputs" if len(fed) > LONGEST else ""
        lines.append(f"  w{block.start + d * block.copies_out * block.copies_in}: {'; '.join(parts)}{more}")
    return lines


def _term(value: complex, place: str) -> str:
    """One summand with its sign, such as "+ x[1]", "- x[0]" or "+ 0.4082 x[2]"."""
    if abs(np.imag(value)) > 1e-12:
        return f"+ ({value:.4g}) x{place}"
    size = f"{abs(np.real(value)):.4g}"
    return f"{'-' if np.real(value) < 0 else '+'} {'' if size == '1' else size + ' '}x{place}"


def _place(entry: int, axes: tuple[int, ...]) -> str:
    if not axes:
        return ""
    return "[" + ",".join(str(i) for i in np.unravel_index(entry, axes)) + "]"
