"""`erlangen derive`: print the network that a declaration gives, without training it."""

from typing import Any

from erlangen.errors import DomainError
from erlangen.files import write_atomically


def derive(
    domain: str = "grid",
    group: str | None = None,
    task: str = "classify",
    outputs: str = "10",
    size: str = "small",
    channels: int = 1,
    inputs: str | None = None,
    d: int = 2,
    shape: list[int] | None = None,
    data: str | None = None,
    width: float = 1.0,
    depth: int | None = None,
    options: dict[str, Any] | None = None,
    json: str | None = None,
) -> int:
    """Print the plan of the network: every layer with its field, law, exactness, parameters and multiplications.

    Args:
        domain: what the data lives on: grid, hexagons, strand, graph or point (one vector).
        group: the symmetry group, such as C8, D4, O, SO(2), RC or S(5); the largest that is exact if not given.
        task: classify, regress, segment, predict, profile or count.
        outputs: how many classes, values or channels come out; or their representation, such as "regular".
        size: tiny, small, medium or large.
        channels: channels of the input, all of them scalars.
        inputs: the representation of the input, in place of channels: "1 trivial + 1 standard"; letters on a strand.
        d: axes of a grid.
        shape: pixels along each axis of a grid, such as [28,28]; the radius of hexagons; the length of a strand.
        data: take domain, channels and task from this data set instead.
        width: multiplies the number of channels.
        depth: number of blocks.
        options: further words for the network, such as --options.dropout=0.1.
        json: write the plan to this file too.
    """
    from json import dumps
    from pathlib import Path

    from erlangen.cli.declare import load_dataset, space_named, task_named

    goal = task_named(task, outputs)
    space = space_named(domain, d, shape)
    from erlangen.blueprint import derive as derive_network

    if data is not None:
        said = {"channels": channels != 1, "inputs": inputs, "shape": shape, "outputs": outputs != "10", "d": d != 2}
        said |= {"task": task != "classify", "domain": domain != "grid"}
        if any(said.values()):
            names = ", ".join(f"--{name}" for name, given in said.items() if given)
            raise DomainError(f"--data {data} says itself what it is. Fix: leave out {names}, or --data")
        dataset = load_dataset(data, None, None, None)
        field = dataset.field(group)
        goal = dataset.task_under(field.group)
    else:
        scalars = "letters" if domain == "strand" else f"{channels} trivial"
        field = space.field(group, inputs or scalars)
    network = derive_network(field, goal, size, width=width, depth=depth, **(options or {}))
    print(network.plan)
    if json is not None:
        write_atomically(Path(json), dumps(network.plan.to_dict(), indent=2, ensure_ascii=False) + "\n")
    return 0
