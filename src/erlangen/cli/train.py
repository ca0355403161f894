"""`erlangen train`: from a declaration to a trained network and its run folder."""

from typing import Any


def train(
    data: str = "mnist-rot",
    domain: str | None = None,
    group: str | None = None,
    task: str | None = None,
    size: str = "small",
    out: str | None = None,
    seed: int = 0,
    epochs: int | None = None,
    minutes: float | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weight_decay: float | None = None,
    optimizer: str | None = None,
    schedule: str | None = None,
    warmup: float | None = None,
    clip: float | None = None,
    ema: float | None = None,
    patience: int | None = None,
    precision: str = "auto",
    augment: str = "auto",
    width: float = 1.0,
    depth: int | None = None,
    options: dict[str, Any] | None = None,
    data_options: dict[str, Any] | None = None,
    checkpoint_seconds: float = 30.0,
    fresh: bool = False,
) -> int:
    """Derive a network, train it, test it and keep everything in a run folder.

    The same command goes on where a killed run stopped.

    Args:
        data: name of a data set; `erlangen data list` shows them.
        domain: what the data lives on: grid, hexagons, strand, graph or point. Checked against the data.
        group: the symmetry group, such as C1, C4 or D4 on a grid; the largest one of the domain if not given.
        task: classify, regress, segment, predict, profile or count. Checked against the data.
        size: tiny, small, medium or large.
        out: the run folder; runs/<data>-<group> or runs/<data> if not given.
        seed: decides the weights at the start, the order of the data, augmentation and dropout.
        epochs: length of the run in passes over the training data.
        minutes: length of the run in minutes of training.
        batch_size: examples a step.
        lr: peak learning rate.
        weight_decay: decay of the weights.
        optimizer: adamw, adam or sgd.
        schedule: one-cycle or constant.
        warmup: share of the run in which the learning rate rises.
        clip: largest norm of the gradient.
        ema: decay of the running average of the weights; 0 switches it off.
        patience: epochs without improvement on the validation data before stopping.
        precision: auto, float32 or bfloat16.
        augment: rotation, none, or auto.
        width: multiplies the number of channels.
        depth: number of blocks.
        options: further words for the network, such as --options.dropout=0.1.
        data_options: further words for the data set, such as --data_options.fold=3.
        checkpoint_seconds: how often the state is saved within an epoch.
        fresh: forget an earlier run in the folder.
    """
    from erlangen.cli.declare import load_dataset, network_for

    dataset = load_dataset(data, domain, task, data_options)
    network = network_for(dataset, group, size, seed, width, depth, options)
    folder = out or "runs/" + "-".join([data, *([network.in_field.group.name] if group else [])])
    print(f"network  {network.plan}\n", flush=True)
    from erlangen.learn import fit

    given = {"optimizer": optimizer, "schedule": schedule, "warmup": warmup, "clip": clip, "ema": ema}
    run = fit(
        network,
        dataset,
        seed=seed,
        out=folder,
        epochs=epochs,
        minutes=minutes,
        batch_size=batch_size,
        lr=lr,
        weight_decay=weight_decay,
        precision=precision,
        augment=augment,
        patience=patience,
        fresh=fresh,
        checkpoint_seconds=checkpoint_seconds,
        **given,
    )
    print(result_lines(run.metrics))
    print(f"saved    {run.folder}    audit it: erlangen audit {run.folder} --html {run.folder}/audit.html")
    return 0


def result_lines(metrics: dict[str, Any]) -> str:
    """The numbers of a run, in two lines."""
    scores = []
    if "test_accuracy" in metrics:
        scores.append(f"accuracy {100 * metrics['test_accuracy']:.2f} %, error {100 * metrics['test_error']:.2f} %")
    scores += [
        f"{name} {100 * metrics[f'test_{name}']:.2f} %".replace("_", " ")
        for name in ("balanced_accuracy", "auc", "dice")
        if f"test_{name}" in metrics
    ]
    if "test_mse" in metrics:
        scores.append(f"mse {metrics['test_mse']:.5g}, mae {metrics['test_mae']:.5g}")
    score = "; ".join(scores) or "no test data"
    return (
        f"test     {score} ({metrics['weights']})\n"
        f"training {metrics['seconds']:.1f} s, {metrics['epochs']:g} epochs of {metrics['seconds_per_epoch']:.2f} s, "
        f"{metrics['parameters']:,} parameters"
    )
