"""`erlangen derive`: print the network that a declaration gives, without training it."""

from typing import Any


def derive(
    domain: str = "grid",
    group: str | None = None,
    task: str = "classify",
    outputs: int = 10,
    size: str = "small",
    channels: int = 1,
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
        domain: what the data lives on: grid or graph.
        group: the symmetry group; the largest one of the domain if not given.
        task: classify, regress, segment or predict.
        outputs: how many classes, values or channels come out.
        size: tiny, small, medium or large.
        channels: channels of the input, all of them scalars.
        d: axes of a grid.
        shape: pixels along each axis of a grid, such as [28,28].
        data: take domain, channels and task from this data set instead.
        width: multiplies the number of channels.
        depth: number of blocks.
        options: further words for the network, such as --options.dropout=0.1.
        json: write the plan to this file too.
    """
    from pathlib import Path

    from erlangen.cli.declare import DOMAINS, check_word, load_dataset, task_named

    check_word("domain", domain, DOMAINS)
    goal = task_named(task, outputs)
    from erlangen.blueprint import derive as derive_network
    from erlangen.blueprint import space_from

    if data is not None:
        dataset = load_dataset(data, None, None, None)
        field, goal = dataset.field(group), dataset.task
    else:
        import_domains()
        space = space_from({"domain": "grid", "d": d, "shape": shape} if domain == "grid" else {"domain": domain})
        field = space.field(group, f"{channels} trivial")
    network = derive_network(field, goal, size, width=width, depth=depth, **(options or {}))
    print(network.plan)
    if json is not None:
        from erlangen.learn.checkpoint import write_json

        write_json(Path(json), network.plan.to_dict())
    return 0


def import_domains() -> None:
    """Register every domain under its name."""
    import erlangen.graphs
    import erlangen.grids  # noqa: F401
