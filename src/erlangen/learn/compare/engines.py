"""Where cells are computed: here, in parallel processes, or on a Ray cluster. All of them give the same results."""

import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

import torch

from erlangen.errors import MissingExtra, RunError, UnknownName
from erlangen.learn.compare.cells import run_cell
from erlangen.learn.compare.plan import Cell, Plan

ENGINES = ("processes", "ray")
Found = tuple[Cell, dict[str, Any]]


def computed(
    plan: Plan,
    cells: Sequence[Cell],
    engine: str = "processes",
    jobs: int = 1,
    threads: int | None = None,
    address: str | None = None,
) -> Iterator[Found]:
    """Compute cells and give each when it is there; other engines than one process give them in any order.

    Args:
        plan: the declaration.
        cells: what to compute.
        engine: "processes" on this machine, or "ray".
        jobs: how many at a time, of processes.
        threads: of torch, for each; None shares the processors of this machine among the jobs (on Ray: one).
        address: of a Ray cluster ("auto" for the one this machine belongs to); None starts one on this machine.

    Raises:
        UnknownName: no such engine.
        MissingExtra: Ray is not installed.
        RunError: a cell failed, or its process died; finished cells have been given before.
    """
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    if jobs < 1:
        raise RunError(f"jobs={jobs}: at least 1")
    if not cells:
        return iter(())
    if engine == "ray":
        return _on_ray(plan, cells, threads or 1, address)
    if jobs == 1:
        return _here(plan, cells, threads)
    return _in_processes(plan, cells, jobs, threads or max(1, (os.cpu_count() or 1) // jobs))


def _here(plan: Plan, cells: Sequence[Cell], threads: int | None) -> Iterator[Found]:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or before)
        for cell in cells:
            yield cell, _named(plan, cell)
    finally:
        torch.set_num_threads(before)


def _named(plan: Plan, cell: Cell) -> dict[str, Any]:
    """`run_cell`, with the cell named in the error."""
    try:
        return run_cell(plan, cell)
    except Exception as error:
        raise RunError(f"the cell ({cell}) failed: {type(error).__name__}: {error}") from error


def _in_processes(plan: Plan, cells: Sequence[Cell], jobs: int, threads: int) -> Iterator[Found]:
    """Fresh processes: a fork of one that has used threads of torch may hang."""
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(threads,))
    try:
        pending: dict[Future[dict[str, Any]], Cell] = {pool.submit(_named, plan, cell): cell for cell in cells}
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a process of the comparison died (killed, or out of memory); finished cells are kept. Fix: run the same "
            "again, with fewer --jobs if memory is short. In a script, call compare under `if __name__ == '__main__':`."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _on_ray(plan: Plan, cells: Sequence[Cell], threads: int, address: str | None) -> Iterator[Found]:
    """One task a cell; Ray runs the task of a lost node again on another one."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("ray", "cluster") from error
    started = not ray.is_initialized()
    if started:
        _join(ray, address)
    try:
        shared = ray.put(plan)
        remote = ray.remote(num_cpus=threads)(_with_threads)
        pending = {remote.remote(shared, cell, threads): cell for cell in cells}
        while pending:
            done, _ = ray.wait(list(pending), num_returns=1)
            try:
                found = ray.get(done[0])
            except ray.exceptions.RayError as error:
                cause = getattr(error, "cause", None) or error
                raise RunError(f"the cell ({pending[done[0]]}) failed on Ray: {cause}") from error
            yield pending.pop(done[0]), found
    finally:
        if started:
            ray.shutdown()


def _join(ray: Any, address: str | None) -> None:
    """Join the cluster, or start one here; Ray itself would knock at a closed door for many minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if colon and port.isdigit():
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="warning")
    except (OSError, RuntimeError, ValueError) as error:
        where = f"the Ray cluster at {address} cannot be reached" if address else "Ray cannot start here"
        raise RunError(
            f"{where}: {error}. Fix: `ray start --head` there, then --address HOST:6379; or --engine processes."
        ) from error


def _with_threads(plan: Plan, cell: Cell, threads: int) -> dict[str, Any]:
    import ray

    torch.set_num_threads(threads)
    return _named(plan, cell) | {"node": ray.get_runtime_context().get_node_id()}
