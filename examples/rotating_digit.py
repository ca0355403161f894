"""A rotating digit through three networks: the picture at the head of the README.

An ordinary CNN learns upright digits; the same CNN learns them with rotation augmentation; a derived C4 network of the
same width learns them with the same augmentation. All train equally long. Then one digit is turned through 360°, and
each network's answer is drawn; at the right stand the accuracy on turned digits and the audited error under C4.

    python examples/rotating_digit.py --minutes 1.5 --out docs/rotating_digit.svg
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

import erlangen as eg
from erlangen.grids import rotate

ANGLES = torch.arange(0, 360, 5)
ARMS = (("plain CNN", "C1", None), ("CNN + augmentation", "C1", "rotation"), ("erlangen, C4", "C4", "rotation"))


def train(group: str, augment: str | None, data: eg.data.Dataset, minutes: float) -> torch.nn.Module:
    """One arm, trained for the given minutes."""
    torch.manual_seed(0)
    net = eg.derive(data.field(group), task=data.task, size="small", width=0.75)
    return eg.fit(net, data, minutes=minutes, augment=augment).model.eval()


def measure(model: torch.nn.Module, data: eg.data.Dataset, digit: Tensor) -> dict[str, Tensor | float]:
    """Class probabilities along the turn, accuracy on turned test digits, and the audited error under C4."""
    with torch.no_grad():
        turned = rotate(digit.expand(len(ANGLES), -1, -1, -1), ANGLES.float())
        curve = model(turned).softmax(dim=1)
        some = min(2000, len(data.test))
        images, labels = data.test.subset(some, seed=1).batch(torch.arange(some))
        angles = 360 * torch.rand(len(images), generator=torch.Generator().manual_seed(0))
        accuracy = float((model(rotate(images, angles)).argmax(1) == labels).float().mean())
    audit = eg.audit(model, data.test, in_field=data.field("C4"), samples=64)
    return {"curve": curve, "accuracy": accuracy, "error": audit.max_error}


def draw(digit: Tensor, results: dict[str, dict], label: int, out: Path) -> None:
    """Top: the turning input. Below, for every network, the probability of each class, and the figures at the right."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9.6, 4.3), layout="constrained")
    rows = figure.add_gridspec(1 + len(results), 2, width_ratios=[5, 1.4], height_ratios=[0.8] + [1] * len(results))
    strip = rotate(digit.expand(12, -1, -1, -1), torch.arange(0, 360, 30).float())
    top = figure.add_subplot(rows[0, 0])
    top.imshow(torch.cat(list(strip[:, 0]), dim=1), cmap="gray_r", aspect="auto", interpolation="bilinear")
    top.set_axis_off()
    top.set_title("one digit, turned through 360°", fontsize=10)
    for i, (name, result) in enumerate(results.items()):
        axes = figure.add_subplot(rows[1 + i, 0])
        axes.plot(ANGLES, result["curve"], color="0.8", linewidth=0.8)
        axes.plot(ANGLES, result["curve"][:, label], color="#0b6e4f", linewidth=2)
        axes.set(
            xlim=(0, 355), ylim=(-0.03, 1.03), yticks=[0, 1], ylabel=name.replace(" + ", " +\n").replace(", ", "\n")
        )
        axes.yaxis.label.set(rotation=0, ha="right", va="center", fontsize=9)
        axes.set_xticks(range(0, 360, 90), [f"{a}°" for a in range(0, 360, 90)] if i == len(results) - 1 else [])
        axes.grid(axis="x", alpha=0.4)
        note = figure.add_subplot(rows[1 + i, 1])
        note.set_axis_off()
        text = f"{100 * result['accuracy']:.1f} % right, turned\nerror under C4: {result['error']:.1e}"
        note.text(0, 0.5, text, fontsize=10, va="center")
    figure.supxlabel(f"green: probability of the right answer, {label}", fontsize=9)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)


def main() -> None:
    """Train the arms, measure, draw."""
    parser = argparse.ArgumentParser(description="a rotating digit through three networks")
    parser.add_argument("--minutes", type=float, default=1.5, help="training time of each network")
    parser.add_argument("--out", type=Path, default=Path("rotating_digit.svg"))
    arguments = parser.parse_args()
    data = eg.data.load("mnist")
    data = replace(data, train=data.train.subset(min(12_000, len(data.train)), seed=0))
    images, labels = data.test.batch(torch.arange(50))
    digit = images[labels == 4][:1]
    results = {}
    for name, group, augment in ARMS:
        results[name] = measure(train(group, augment, data, arguments.minutes), data, digit)
        print(
            f"{name}: {100 * results[name]['accuracy']:.2f} % on turned digits, error {results[name]['error']:.1e}",
            flush=True,
        )
    draw(digit, results, 4, arguments.out)
    print(f"figure: {arguments.out}")


if __name__ == "__main__":
    main()
