"""`erlangen solve`: all equivariant maps between two representations; and `--check`, the laws for anybody's layer."""

import sys
from typing import TYPE_CHECKING, Any

from erlangen.errors import DomainError, FieldError, LawError

if TYPE_CHECKING:
    from erlangen.solve import Certificate
    from erlangen.symmetry import Group

LINES = 24  # of the explanation
NUMBERS = 1_000_000  # in a basis that is written to JSON


def solve(
    group: str | None = None,
    in_: str = "standard",
    out: str = "standard",
    permutations: list[str] | None = None,
    kernel: str | None = None,
    method: str = "auto",
    tolerance: float | None = None,
    figure: str | None = None,
    json: str | None = None,
    check: str | None = None,
    skip: list[str] | None = None,
    seed: int = 0,
) -> int:
    """Find all equivariant linear maps between two representations; or, with --check, judge a layer by every law.

    The input representation is written --in. Exits with 1 if the checked layer breaks a law.

    Args:
        group: a name such as "SO(3)" or "D4 x Z2"; or a JSON file with "permutations", "matrices" or "algebra".
        in_: the input, such as "2 standard + trivial". Written --in.
        out: the output, such as "standard*standard".
        permutations: generators of a group instead, in cycles: "r=(0 1 2 3 4 5)" "m=(1 5)(2 4)".
        kernel: a box of taps such as 3x3: kernels of a convolution instead of matrices.
        method: auto, orbits, null space, isotypic, averaging or iteration.
        tolerance: relative singular values up to this are zero, for generators that carry an error.
        figure: draw the basis into this .svg or .png file.
        json: write the certificate and the basis to this file.
        check: file.py:name of a layer (or of a class or function that makes one without arguments) to judge.
        skip: names of laws that --check leaves out.
        seed: of everything random.
    """
    if check is not None:
        return _check(check, skip or [], seed)
    from erlangen.solve import solve as solve_all
    from erlangen.solve import solve_kernel

    chosen = _group(group, permutations)
    before, after = chosen.representation(in_), chosen.representation(out)
    taps = None if kernel is None else _box(kernel)
    if taps is None:
        found = solve_all(before, after, method=method, tolerance=tolerance, seed=seed)
    else:
        found = solve_kernel(taps, chosen, before, after, method=method, tolerance=tolerance, seed=seed).certificate
    print(found)
    _show(found, taps, figure)
    if json is not None:
        _write(found, json)
    return 0


def _group(name: str | None, permutations: list[str] | None) -> "Group":
    from pathlib import Path

    from erlangen.symmetry import group as named

    if permutations is not None and name is None:
        return _permuted(permutations)
    if name is None or permutations is not None:
        raise DomainError('which symmetry? Fix: --group "SO(3)", or --permutations "r=(0 1 2)" "m=(1 2)", one of them.')
    if not name.endswith(".json"):
        return named(name)
    import json

    path = Path(name)
    if not path.is_file():
        raise DomainError(f"there is no file {path}")
    try:
        words = json.loads(path.read_text())
    except ValueError as error:
        raise DomainError(f"{path} is no JSON: {error}") from error
    if not isinstance(words, (dict, str)):
        raise DomainError(f'{path} must hold a name or an object such as {{"permutations": {{"r": "(0 1 2)"}}}}')
    return named(words)


def _permuted(generators: list[str]) -> "Group":
    from erlangen.symmetry import Group

    moves = {}
    for word in generators:
        name, equals, cycles = word.partition("=")
        if not equals or not name.strip():
            raise DomainError(f'cannot read the generator {word!r}. Fix: a name, "=" and cycles, "r=(0 1 2)(3 4)".')
        moves[name.strip()] = cycles.strip()
    return Group.from_permutations(moves)


def _box(kernel: str) -> tuple[int, ...]:
    parts = kernel.lower().replace("×", "x").split("x")
    if not all(part.strip().isdigit() and int(part) for part in parts):
        raise FieldError(f"cannot read the kernel {kernel!r}. Fix: taps along each axis, such as 3x3")
    return tuple(int(part) for part in parts)


def _show(found: "Certificate", taps: tuple[int, ...] | None, figure: str | None) -> None:
    """The explanation, and the pictures of the basis, in the terminal or in a file."""
    if not found.dim:
        print("no equivariant map but zero")
        return
    lines = found.explain().splitlines()
    print("\n".join(["", *lines[:LINES]]) + (f"\n… and {len(lines) - LINES} more lines" if len(lines) > LINES else ""))
    from erlangen.report.basis import draw, small_enough, tiles, write_figure

    maps = found.basis if figure is not None or small_enough(found, taps) else None
    if maps is None:
        print("\nthe basis is too large to draw here; --figure basis.svg draws it, --json basis.json holds it")
        return
    maps = tiles(maps, taps)
    if figure is not None:
        print(f"\nfigure   {write_figure(maps, figure, str(found).splitlines()[0])}")
    if small_enough(found, taps):
        print()
        draw(maps)


def _write(found: "Certificate", path: str) -> None:
    import json
    from pathlib import Path

    from erlangen.files import write_atomically

    content: dict[str, Any] = {
        "group": found.rho_in.group.describe(),
        "in": str(found.rho_in),
        "out": str(found.rho_out),
        "dimension": found.dim,
        "oracle": found.oracle,
        "residual": found.residual,
        "gap": None if found.gap is None else [found.gap.zero, found.gap.rest],
        "method": found.method,
        "seconds": found.seconds,
        "explanation": found.explain().splitlines(),
    }
    if found.dim * found.rho_in.size * found.rho_out.size <= NUMBERS and not found.rho_in.is_complex:
        content["basis"] = found.basis.tolist()
    write_atomically(Path(path), json.dumps(content, default=float))
    print(f"json     {path}")


def _check(target: str, skip: list[str], seed: int) -> int:
    """Run the conformance suite on a layer of somebody's file."""
    from pathlib import Path

    from erlangen.cli.audit import load_module

    path, colon, name = target.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise FieldError(f"cannot read {target!r}. Fix: the file and the name of the layer in it, my_layer.py:MyLayer")
    layer = load_module(Path(path), name)
    from erlangen.testing import check

    try:
        print(check(layer, skip=skip, seed=seed))  # type: ignore[arg-type]  # anything else is refused with a remedy
    except LawError as error:
        print(f"{target} breaks {len(error.laws)} laws: {', '.join(error.laws)}", file=sys.stderr)
        print(error, file=sys.stderr)
        return 1
    return 0
