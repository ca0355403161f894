"""`erlangen discover`: which symmetries a network or a data set has, without being told."""

from typing import TYPE_CHECKING, Any

from erlangen.errors import DataError, DomainError, RunError

if TYPE_CHECKING:
    from torch import Tensor


def discover(
    target: str | None = None,
    json: str | None = None,
    domain: str | None = None,
    group: str | None = None,
    data: str | None = None,
    data_options: dict[str, Any] | None = None,
    model: str | None = None,
    vectors: int | None = None,
    samples: int | None = None,
    tolerance: float = 0.05,
    seed: int = 0,
) -> int:
    """Say which continuous and finite symmetries a network has; without a target, those of the data.

    Args:
        target: a run folder; or file.py:name, where name is a module, a class or a function without arguments.
        json: write the numbers to this file.
        domain: what the data lives on. Checked against the data.
        group: a group that the data carries, where its channels are not scalars; not needed to find one.
        data: name of a data set, or an .npy file of samples [n, channels, …]; of a run, its own data if not given.
        data_options: further words for the data set, such as --data_options.fold=3.
        model: file.py:name of the module, for a run whose model was not derived.
        vectors: dimension of the vectors that the channels of a point are made of, such as 3 for positions.
        samples: how many examples are tried; 128 of a network and 512 of data if not given.
        tolerance: largest response of a continuous symmetry, relative to random changes of the input.
        seed: decides the sample.
    """
    from erlangen.cli.audit import target_of

    module: Any = None
    dataset: Any = None
    if target is not None:
        module, dataset = target_of(target, model)
    if data is None and dataset is None:
        raise RunError(
            "there is nothing to look at. Fix: --data NAME (erlangen data list shows them), alone or with a target."
        )
    if data is not None:
        dataset = _samples(data, domain, group) if data.endswith(".npy") else _dataset(data, domain, data_options)
    field = dataset.field(group) if group is not None else None
    from erlangen.audit import discover as search

    subject, on = (dataset, None) if module is None else (module, dataset)
    found = search(
        subject,
        on,
        in_field=field,
        vectors=vectors,
        samples=samples,
        seed=seed,
        tolerance=tolerance,
        progress=True,
    )
    print(found)
    if json is not None:
        found.save(json)
        print(f"report   {json}")
    return 0


def _dataset(name: str, domain: str | None, options: dict[str, Any] | None) -> Any:
    from erlangen.cli.declare import load_dataset

    return load_dataset(name, domain, None, options)


def _samples(file: str, domain: str | None, group: str | None) -> "Tensor":
    """The samples in an .npy file.

    Raises:
        DataError: there is no such file, or it holds no numbers.
        DomainError: a domain or group, which a file cannot have.
    """
    import numpy as np
    import torch

    if domain is not None or group is not None:
        raise DomainError(
            f"{file} says nothing about its domain, which is read off its shape: [n, channels] are vectors, "
            f"[n, channels, height, width] images. Fix: leave --domain and --group out."
        )
    try:
        array = np.load(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {file}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise DataError(f"{file} holds {array.dtype}, not numbers")
    return torch.from_numpy(np.ascontiguousarray(array)).double()
