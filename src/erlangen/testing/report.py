"""`check`: run every law and report."""

from collections.abc import Iterable
from dataclasses import dataclass

from erlangen.blueprint import EquivariantModule
from erlangen.errors import LawError, UnknownName
from erlangen.testing.subject import LAWS, Finding, Shape, Subject


@dataclass(frozen=True)
class Report:
    """What every law found about one module.

    Args:
        module: the first line of its repr.
        findings: one a law, in the order they ran.
    """

    module: str
    findings: tuple[Finding, ...]

    def __getitem__(self, law: str) -> Finding:
        return next(f for f in self.findings if f.law == law)

    def __str__(self) -> str:
        width = max((len(f.law) for f in self.findings), default=0)
        lines = [self.module]
        for f in self.findings:
            error = "" if f.measured is None else f"{f.measured:.1e} <= {f.limit:g}, "
            mark = "holds" if f.status == "holds" else "—    "
            lines.append(f"  {f.law.ljust(width)}  {mark}  {error}{f.detail}")
        return "\n".join(lines)


def check(
    module: EquivariantModule,
    *,
    shape: Shape = None,
    skip: Iterable[str] = (),
    only: Iterable[str] | None = None,
    seed: int = 0,
) -> Report:
    """Check that a module keeps every law of the library, and name those it breaks.

    Args:
        module: any module with an in_field and an out_field; it is left as it is.
        shape: the one size of its input domain to try; None tries even, odd and unequal ones. A module may refuse a
            size with an `ExactnessError`.
        skip: names of laws to leave out, such as "compile".
        only: names of the laws to run, instead of all.
        seed: of everything random.

    Returns:
        A report with one line a law; `print` it.

    Raises:
        LawError: some laws do not hold; the message names them all, and says what was found.
        UnknownName: `skip` or `only` names no law.

    Law: f(g·x) = g·f(x), and what a user of torch expects of any module.
    """
    left_out = set(skip)
    wanted = set(LAWS if only is None else only)
    for name in (*left_out, *wanted):
        if name not in LAWS:
            raise UnknownName("law", name, LAWS)
    subject = Subject(module, shape, seed)
    findings: list[Finding] = []
    failures: list[LawError] = []
    for name, law in LAWS.items():
        if name not in wanted or name in left_out:
            continue
        try:
            findings.append(law(subject))
        except LawError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise LawError.together(failures)
    return Report(repr(module).splitlines()[0].removesuffix("("), tuple(findings))
