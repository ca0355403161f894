"""`erlangen doctor`: what is installed, what the machine can do, and what that decides."""


def doctor() -> int:
    """Print versions, processor, threads, the measured cost of operators by precision, and the data at hand."""
    import importlib.util
    import shutil

    import torch

    from erlangen.blueprint import operator_costs
    from erlangen.data import info, list_datasets
    from erlangen.files import cache_folder
    from erlangen.learn.environment import environment

    here = environment()
    print(f"erlangen {here['erlangen']}  python {here['python']}  {here['platform']}")
    print("packages   " + "  ".join(f"{name} {version or 'MISSING'}" for name, version in here["packages"].items()))
    extras = ("networkx", "torch_geometric", "onnx", "onnxruntime", "mlxtend")
    print("optional   " + "  ".join(f"{e} {'yes' if importlib.util.find_spec(e) else 'no'}" for e in extras))
    print(f"processor  {here['processor']}, {here['processors']} cores, torch uses {here['threads']} threads")
    print(f"features   {' '.join(here['processor_flags']) or 'none known'}")
    print(f"GPU        {', '.join(here['cuda']) or 'none'}")
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        print(f'precision="auto" on {device}, one training step of a 5×5 convolution, measured once a machine:')
        for operator, cost in operator_costs(device).items():
            if "bfloat16_ms" not in cost:
                print(f"  {operator:10} float32 {cost['float32']:8.1f} G/s bfloat16 {cost['bfloat16']:8.1f} G/s")
                continue
            chosen = "bfloat16" if cost["bfloat16"] else "float32"
            full, half = f"{cost['float32_ms']:8.3f} ms", f"{cost['bfloat16_ms']:8.3f} ms"
            print(f"  {operator:10} float32 {full}  bfloat16 {half}  → {chosen}")
    cache = cache_folder()
    place = next(p for p in (cache, *cache.parents) if p.exists())
    print(f"cache      {cache} ({shutil.disk_usage(place).free / 1e9:.1f} GB free)")
    at_hand = [name for name in list_datasets() if info(name)["where"]]
    print(f"data here  {' '.join(at_hand) or 'none'}")
    return 0
