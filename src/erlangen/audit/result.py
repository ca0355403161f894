"""`Audit`: what was measured, the verdict, and ways to keep it."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from erlangen.audit.classes import ClassReport
from erlangen.audit.contribution import Contribution
from erlangen.audit.curves import Curve
from erlangen.audit.lie import Derivative
from erlangen.audit.scales import ScaleSeparation
from erlangen.audit.stability import StabilityCurve
from erlangen.audit.steady import Steadiness
from erlangen.audit.summary import ActionResult, FamilyResult
from erlangen.audit.verdict import worst_of
from erlangen.errors import EquivarianceError, FieldError
from erlangen.files import write_atomically

FORMAT = "erlangen-audit-1"

PAGE_WRITERS: dict[str, Callable[[Path, str, list[Any]], Path]] = {}
"""suffix -> what writes a page from (path, title, audits); `erlangen.report`, a floor above, enters itself here."""


@dataclass(frozen=True)
class LayerResult:
    """One layer, or the code between two layers.

    Args:
        name: where it lies in the model.
        kind: its class, or "code" for what `forward` does between layers.
        field: representations in and out, in words.
        shape: of its output for the audited samples, without the batch.
        intrinsic: worst relative error of its own, fed with exactly moved inputs; None if no action is known there.
        mean: mean of the same over samples.
        element: the element under which it was worst.
        accumulated: worst relative error at its output in the whole network.
        shift: worst intrinsic error under shifts by whole pixels; None where that has no meaning.
        company: change of its output for a sample when other samples leave the batch; None if not looked at.
        culprit: whether it is guilty of the verdict.
        cause: why, in words.
        remedy: what to do.
        note: what was assumed, or why it was not measured.
    """

    name: str
    kind: str
    field: str
    shape: tuple[int, ...]
    intrinsic: float | None
    mean: float | None
    element: str
    accumulated: float | None
    shift: float | None
    company: float | None
    culprit: bool
    cause: str
    remedy: str
    note: str


@dataclass(frozen=True, repr=False)
class Audit:
    """How well a network keeps the symmetry it declares.

    Args:
        model: name of its class.
        parameters: number of its parameters.
        domain: the space, in words.
        group: the declared group.
        in_field: type of the input.
        out_field: type of the output.
        verdict: "exact", "approximate" or "broken", for the declared group.
        max_error: worst relative error over the exact actions of the declared group.
        witness: the element and the sample that had it.
        flip_rate: share of labels that change under the declared group; None if the output is no label.
        accuracy: share of right labels on the samples as they are; None without labels.
        families: one a family of actions.
        actions: one an action.
        layers: in the order of execution.
        derivatives: Lie derivatives, one a generator of the continuous symmetries.
        curves: errors over the range of the continuous symmetries.
        contributions: what every layer adds to the Lie derivatives of the output.
        steady: whether the network is a function of one sample.
        classes: labels class by class; None without labels.
        float64_error: the worst action again in float64, where the first error might have been amplified rounding.
        assumed: what nobody declared and was guessed.
        notes: remarks on the verdict.
        settings: samples, seed, dtype, limits, confidence, source of the data, versions.
        picture: small arrays for the pictures.
        stability: errors against the size of small changes that are no symmetry.
        scales: how much of the output survives coarse-graining; None where the domain has no coarser scales.
    """

    model: str
    parameters: int
    domain: str
    group: str
    in_field: str
    out_field: str
    verdict: str
    max_error: float
    witness: dict[str, Any]
    flip_rate: float | None
    accuracy: float | None
    families: tuple[FamilyResult, ...]
    actions: tuple[ActionResult, ...]
    layers: tuple[LayerResult, ...]
    derivatives: tuple[Derivative, ...]
    curves: tuple[Curve, ...]
    contributions: tuple[Contribution, ...]
    steady: Steadiness
    classes: ClassReport | None
    float64_error: float | None
    assumed: tuple[str, ...]
    notes: tuple[str, ...]
    settings: dict[str, Any]
    picture: dict[str, Any] | None
    stability: tuple[StabilityCurve, ...] = ()
    scales: ScaleSeparation | None = None

    @property
    def culprits(self) -> tuple[LayerResult, ...]:
        """The guilty layers, worst first; none if the verdict is exact."""
        return tuple(sorted((row for row in self.layers if row.culprit), key=lambda row: -guilt(row)))

    @property
    def guilty(self) -> str:
        """The guilty layers in one line, for a table."""
        found = self.culprits
        if not found:
            parts = [f.verdict for f in self.families if f.declared and f.exact]
            settled = self.verdict == "approximate" and parts and worst_of(parts) == "exact"  # the rest interpolates
            return "none" if self.verdict == "exact" or settled else "not located"
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return f"{found[0].name} ({found[0].kind}){more}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able data; infinite or undefined numbers become None."""
        return {"format": FORMAT, "guilty": self.guilty, **_plain(asdict(self))}

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def save(self, path: "str | Path") -> Path:
        """Write the audit to a file, never leaving half of one.

        Args:
            path: ends in .json, in .xml for JUnit XML, or in .html for a page with pictures that needs no network.

        Returns:
            The path.

        Raises:
            FieldError: another suffix.
            DataError: the file cannot be written; what was there before is untouched.
        """
        target = Path(path)
        if target.suffix == ".json":
            return write_atomically(target, self.to_json())
        if target.suffix == ".xml":
            from erlangen.audit.junit import junit

            return write_atomically(target, junit(self))
        if target.suffix in (".html", ".htm") and not PAGE_WRITERS:
            import_module("erlangen.report")  # enters itself
        if target.suffix in PAGE_WRITERS:
            return PAGE_WRITERS[target.suffix](target, f"Audit of {self.model}", [self])
        raise FieldError(f"cannot save an audit as {target.name!r}. Fix: let the name end in .json, .xml or .html.")

    def require(self, max_error: float | None = None) -> None:
        """Raise if the declared symmetry holds less well than this.

        Args:
            max_error: largest relative error allowed; None takes the limit of "exact" in this precision, and then
                passes whatever has the verdict exact.

        Raises:
            EquivarianceError: names the layer, the element, the cause and the remedy.
        """
        limit = self.settings["exact_limit"] if max_error is None else max_error
        if (max_error is None and self.verdict == "exact") or (
            self.max_error <= limit and self.steady.words(limit) is None
        ):
            return
        culprits = self.culprits
        where = f" at {culprits[0].name} ({culprits[0].kind})" if culprits else ""
        text = (
            f"audit of {self.model} failed{where} for {self.witness.get('action', 'no motion at all')}: relative error "
            f"{self.max_error:.2g} (limit {limit:.2g}, sample {self.witness.get('sample', 0)})"
        )
        for row in culprits[:3]:
            text += f".\n  {row.name} ({row.kind}), {guilt(row):.2g} by itself: {row.cause}. Fix: {row.remedy}"
        if not culprits:
            text += ". " + (self.steady.words(limit) or "No layer could be named; see the notes of the audit")
        raise EquivarianceError(text + ".")

    def __repr__(self) -> str:
        return f"Audit({self.model} under {self.group}: {self.verdict}, worst relative error {self.max_error:.1e})"

    def __str__(self) -> str:
        from erlangen.audit.text import audit_text

        return audit_text(self)


def guilt(row: LayerResult) -> float:
    """The error that makes a layer guilty."""
    return max(row.intrinsic or 0.0, row.company or 0.0)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value
