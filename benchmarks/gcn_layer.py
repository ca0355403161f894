"""How fast is one graph convolution, and how much memory does it take, against torch-geometric's GCNConv?

    python benchmarks/gcn_layer.py

    arm                    forward    forward+backward        peak forward           peak both
    erlangen        100 ms (1.00x)      227 ms (1.00x)      165 MB (1.00x)      248 MB (1.00x)
    pyg-csr         147 ms (1.47x)      461 ms (2.03x)      248 MB (1.50x)      333 MB (1.34x)
    pyg-coo         918 ms (9.21x)     2223 ms (9.80x)    2649 MB (16.03x)    2649 MB (10.69x)

    random row reads: 31.6 GB/s; a hop without reuse moves 1291 MB = 40.9 ms; the hop alone takes 59.2 ms: 69 % of the
    floor's speed (torch 2.13.0, torch-geometric 2.8.1, two cores of a Xeon with AMX: trust the ratios)

Every arm runs in fresh processes of the same run, on the same Chung-Lu graph (power-law exponent 2.3, symmetric, node
numbers in random order, no self-loops) and the same input, which requires a gradient as inside a network. "forward +
backward" is the layer and the gradients of input, weight and bias. Times are medians after warm-up over all rounds;
memory is the peak resident set above what the process held before the step. torch-geometric is as `pip install
torch-geometric` gives it; `cached=True` in both formats, so that nobody pays for normalisation.

The floor: a hop that reuses nothing reads E rows and writes N rows of features, and reads one index and one weight an
edge. The bandwidth is measured in the same run, with uniformly random rows summed in bags of 4096, so that almost
nothing is written.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor


def chung_lu(nodes: int, edges: int, exponent: float = 2.3, seed: int = 0) -> Tensor:
    """[2, about `edges`] int64, both directions of distinct undirected edges, node numbers in random order."""
    make = torch.Generator().manual_seed(seed)
    weight = torch.arange(1, nodes + 1, dtype=torch.float64) ** (-1 / (exponent - 1))
    steps = (weight / weight.sum()).cumsum(0)
    found = torch.zeros(0, dtype=torch.long)
    while len(found) < edges // 2:
        ends = torch.searchsorted(steps, torch.rand(2, edges, dtype=torch.float64, generator=make)).clamp_(
            max=nodes - 1
        )
        low, high = ends.amin(dim=0), ends.amax(dim=0)
        found = torch.unique(torch.cat([found, (low * nodes + high)[low < high]]))
    found = found[torch.randperm(len(found), generator=make)[: edges // 2]]
    names = torch.randperm(nodes, generator=make)
    u, v = names[found // nodes], names[found % nodes]
    return torch.cat([torch.stack([u, v]), torch.stack([v, u])], dim=1)


def memory(field: str) -> float:
    """A line of /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def peak(step: Callable[[], object]) -> float:
    """Peak resident set of a step, in MB above the level before it."""
    gc.collect()
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    kept = step()
    top = memory("VmHWM")
    del kept
    return top - before


def seconds(step: Callable[[], object], repeats: int, warm_up: int = 2) -> list[float]:
    """Times of repeated steps after warm-up."""
    times = []
    for i in range(warm_up + repeats):
        start = time.perf_counter()
        step()
        if i >= warm_up:
            times.append(time.perf_counter() - start)
    return times


def layer_for(arm: str, edge_index: Tensor, nodes: int, channels: int) -> Callable[[Tensor], Tensor]:
    """The layer under test as a function of x; the same weights in every arm."""
    if arm == "erlangen":
        from erlangen.blueprint import Signal
        from erlangen.graphs import Graph, GraphConvolution, Graphs

        field = Graphs().field(None, channels)
        graph, layer = Graph.from_edges(edge_index, nodes), GraphConvolution(field, field)
        weight, call = layer.body.linear.weight, lambda x: layer(Signal(x, graph)).x
    else:
        from torch_geometric.nn import GCNConv
        from torch_geometric.utils import to_torch_csr_tensor

        layer = GCNConv(channels, channels, cached=True)
        edges = edge_index if arm == "pyg-coo" else to_torch_csr_tensor(edge_index, size=(nodes, nodes))
        weight, call = layer.lin.weight, lambda x: layer(x, edges)
    torch.nn.init.normal_(weight, std=channels**-0.5, generator=torch.Generator().manual_seed(1))
    return call


def run_arm(arm: str, nodes: int, edges: int, channels: int, repeats: int) -> dict:
    """Time and memory of one arm, in this process."""
    edge_index = chung_lu(nodes, edges)
    make = torch.Generator().manual_seed(2)
    x = torch.randn(nodes, channels, generator=make).requires_grad_()
    pull = torch.randn(nodes, channels, generator=make)
    if arm == "floor":
        return floor(x.detach(), edge_index.shape[1], repeats)
    layer = layer_for(arm, edge_index, nodes, channels)

    def forward() -> Tensor:
        with torch.no_grad():
            return layer(x)

    def both() -> Tensor:
        x.grad = None
        y = layer(x)
        y.backward(pull)
        return y

    y = both()
    result = {"check": [float(y.detach().double().abs().sum()), float(x.grad.double().abs().sum())]}
    del y
    result["forward"], result["both"] = seconds(forward, repeats), seconds(both, repeats)
    x.grad = None
    result["forward MB"], result["both MB"] = peak(forward), peak(both)
    if arm == "erlangen":
        from erlangen.graphs import Graph, propagation

        hop = propagation(Graph.from_edges(edge_index, nodes))
        with torch.no_grad():
            result["hop"] = seconds(lambda: hop(x), repeats)
    return result


def floor(x: Tensor, edges: int, repeats: int) -> dict:
    """Bandwidth of reading uniformly random rows of x and keeping almost nothing, in bytes a second."""
    bag = 4096
    rows = torch.randint(len(x), (edges // bag * bag,), generator=torch.Generator().manual_seed(3), dtype=torch.int32)
    starts = torch.arange(0, len(rows), bag, dtype=torch.int32)

    def read() -> Tensor:
        return torch.nn.functional.embedding_bag(rows, x, starts, mode="sum")

    with torch.no_grad():
        return {"bandwidth": [len(rows) * x.shape[1] * 4 / t for t in seconds(read, repeats)]}


def spawn(arm: str, args: argparse.Namespace) -> dict:
    """Run one arm in a process of its own."""
    words = [sys.executable, __file__, "--arm", arm]
    for name in ("nodes", "edges", "channels", "repeats", "threads"):
        words += [f"--{name}", str(getattr(args, name))]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(results: dict[str, dict], args: argparse.Namespace, edges: int) -> None:
    """Print the table and the ratios."""
    mid = {arm: {k: median(v) for k, v in r.items() if k != "check"} for arm, r in results.items()}
    print(f"{args.nodes:,} nodes, {edges:,} directed edges, {args.channels} channels, float32, {args.threads} threads")
    print(f"torch {torch.__version__}, {args.rounds} rounds of {args.repeats} repeats\n")
    own = mid["erlangen"]
    columns = {"forward": "forward", "both": "forward+backward", "forward MB": "peak forward", "both MB": "peak both"}
    print(f"{'arm':10}" + "".join(f"{title:>20}" for title in columns.values()))
    for arm in ("erlangen", "pyg-csr", "pyg-coo"):
        cells = []
        for column in columns:
            value, ratio = mid[arm][column], mid[arm][column] / (own[column] or float("nan"))
            shown = f"{value:.0f} MB" if "MB" in column else f"{value * 1e3:.0f} ms"
            cells.append(f"{shown} ({ratio:.2f}x)".rjust(20))
        print(f"{arm:10}" + "".join(cells))
    moved = edges * args.channels * 4 + args.nodes * args.channels * 4 + edges * 8
    rate, hop = mid["floor"]["bandwidth"], own["hop"]
    best = moved / rate
    print(f"\nrandom row reads: {rate / 1e9:.1f} GB/s; a hop without reuse moves {moved / 1e6:.0f} MB")
    print(
        f"= {best * 1e3:.1f} ms; the hop alone takes {hop * 1e3:.1f} ms: {100 * best / hop:.0f} % of the floor's speed"
    )
    checks = torch.tensor([results[arm]["check"] for arm in ("erlangen", "pyg-csr", "pyg-coo")], dtype=torch.float64)
    print(f"largest relative difference of the results between arms: {float((checks / checks[0] - 1).abs().max()):.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description="One graph convolution against torch-geometric.")
    parser.add_argument("--arm", choices=("erlangen", "pyg-coo", "pyg-csr", "floor"))
    parser.add_argument("--nodes", type=int, default=169_343)
    parser.add_argument("--edges", type=int, default=2_315_598)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.arm:
        print(json.dumps(run_arm(args.arm, args.nodes, args.edges, args.channels, args.repeats)))
        return
    results: dict[str, dict] = {}
    for _ in range(args.rounds):
        for arm in ("floor", "erlangen", "pyg-csr", "pyg-coo"):
            for key, value in spawn(arm, args).items():
                store = results.setdefault(arm, {})
                if key == "check":
                    store[key] = value
                else:
                    store.setdefault(key, []).extend(value if isinstance(value, list) else [value])
    report(results, args, 2 * (args.edges // 2))


if __name__ == "__main__":
    main()
