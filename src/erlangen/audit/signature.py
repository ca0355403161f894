"""How a model wants to be called, read off its signature."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from erlangen.blueprint import Signal
from erlangen.errors import FieldError

INPUTS = ("pixel_values", "x", "input", "inputs", "images", "image", "input_values", "inputs_embeds", "signal")
WEIGHTS = ("edge_weight", "edge_weights")
FEATURES = ("edge_attr", "edge_features")
GRAPHS = ("data",)


@dataclass(frozen=True)
class Route:
    """From a signal to the arguments of a call.

    Args:
        names: of the parameters that are filled, in words of `Route.KNOWN`; empty for one positional argument.
        keyword: the name under which a tensor is given; None gives it by position.
        data: whether a graph is given as a torch-geometric `Data`.
    """

    names: tuple[str, ...] = ()
    keyword: str | None = None
    data: bool = False
    custom: Callable[[Any], tuple[tuple[Any, ...], dict[str, Any]]] | None = field(default=None, compare=False)

    @property
    def direct(self) -> bool:
        """Whether it is `model(signal)`."""
        return not self.names and self.keyword is None and not self.data and self.custom is None

    def __call__(self, signal: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(positional arguments, named arguments)."""
        if self.custom is not None:
            return self.custom(signal)
        if isinstance(signal, Signal) and (self.names or self.data):
            found = graph_inputs(signal)
            if self.data:
                return (_as_data(found),), {}
            return (), {name: found[_kind(name) or "x"] for name in self.names}
        return ((), {self.keyword: signal}) if self.keyword is not None else ((signal,), {})


def route_of(function: Callable[..., Any], module: bool) -> tuple[Route, str | None]:
    """How to call a model on a signal, and the guess in words; None if there was nothing to guess.

    Args:
        function: the model's forward, or a function.
        module: whether it is a module's forward.
    """
    try:
        given = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    except (TypeError, ValueError):
        return Route(), None
    names = {p.name for p in given}
    if "edge_index" in names:
        return _graph_route(given)
    placed = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    if placed:
        first = placed[0]
        annotated = str(first.annotation).rpartition(".")[2].strip("'>\"")
        if annotated in ("Data", "Batch") or (module and first.name in GRAPHS and len(placed) == 1):
            return Route(data=True), f"graphs are given as torch-geometric data, model({first.name})"
        return Route(), None
    named = [p for p in given if p.kind == p.KEYWORD_ONLY]
    must = [p.name for p in named if p.default is p.empty]
    known = [n for n in INPUTS if any(p.name == n for p in named)]
    keyword = must[0] if len(must) == 1 else next(iter(known), None)
    if keyword is None:
        return Route(), None
    return Route(keyword=keyword), f"the input is given by name, model({keyword}=…)"


def positional(model: Any) -> int | None:
    """How many positional inputs a model takes at most; None if any number, or nobody knows."""
    try:
        given = inspect.signature(model.forward if hasattr(model, "forward") else model).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind == p.VAR_POSITIONAL for p in given):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in given)


def _graph_route(given: list[inspect.Parameter]) -> tuple[Route, str | None]:
    wanted = [p.name for p in given if _kind(p.name) is not None]
    missing = [
        p.name
        for p in given
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and _kind(p.name) is None
    ]
    if missing:
        raise FieldError(
            f"the model wants {', '.join(missing)} besides the graph, which a Signal does not hold. "
            f"Fix: audit a module that fills it in, or make it a channel of x."
        )
    words = f"graphs are given as model({', '.join(wanted)})"
    return Route(tuple(wanted)), words


def _kind(name: str) -> str | None:
    """What a parameter of a graph network is filled with."""
    if name in (*INPUTS, "feat", "features", "h", "node_features"):
        return "x"
    if name in WEIGHTS:
        return "weight"
    if name in FEATURES:
        return "attributes"
    return {"edge_index": "edge_index", "batch": "batch", "batch_index": "batch", "num_graphs": "count"}.get(
        name, "count" if name == "batch_size" else None
    )


def graph_inputs(signal: Signal) -> dict[str, Any]:
    """Node features, edges, weights and membership of a signal on graphs, as torch-geometric has them."""
    graph = signal.on
    attributes = graph.edge_features
    if attributes is None and graph.weight is not None:
        attributes = graph.weight[:, None]
    return {
        "x": signal.x,
        "edge_index": graph.edge_index(),
        "batch": graph.membership.row.long(),
        "weight": graph.weight,
        "attributes": attributes,
        "count": graph.num_graphs,
    }


def _as_data(found: dict[str, Any]) -> Any:
    from erlangen.errors import MissingExtra

    try:
        from torch_geometric.data import Data
    except ImportError as error:
        raise MissingExtra("torch-geometric", "graph") from error
    x: Tensor = found["x"]
    data = Data(x=x, edge_index=found["edge_index"], num_nodes=len(x))
    data.batch, data.edge_weight, data.edge_attr = found["batch"], found["weight"], found["attributes"]
    return data
