"""A run on a cluster, by Ray Data: the same rows, windows and records as on one machine.

Tasks read the files with the same readers and cut the same windows; actors compute them; the records come
back in order to the process that writes them, so that journal, manifest and resume are those of every run.
The files must be at the same path on every node.
"""

from __future__ import annotations

import logging
import os
import pickle
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from textgen.batch.engine import Engine, Slice, Task, Worker, windows
from textgen.compute import share
from textgen.errors import ModelError, TextgenError, UsageError
from textgen.events import Event, OnEvent, WithoutSteps
from textgen.files.rows import FileRows, Span, rows_of
from textgen.models.place import CPU, CUDA, has_gpu
from textgen.options import InputOptions, RunOptions
from textgen.schema import Record, Row
from textgen.store.catalog import find_model

ACTOR_CPUS, READER_CPUS = 0.9, 0.1  # so that as many actors as cores, and a reader, fit on any machine
GROUP = 64  # windows that one task reads
BLOCK = 1  # bytes after which Ray hands a block on: a window is a block
# nothing is reported to Ray's makers; its own log goes into its files, what matters is raised
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}


class RayEngine:
    """Computes windows on the actors of a cluster; see `Engine`.

    Args:
        task: What is done with every row.
        options: How many actors, and what they need.
    """

    memory = 0

    def __init__(self, task: Task, options: RunOptions) -> None:
        self._task, self._options = task, options

    def begin(self, on_event: OnEvent) -> None:
        """Check the options against the model in this process, so that its user hears of it at once."""
        from textgen.models.precision import FP32

        task, files = self._task, self._task.files
        if task.place.device == CUDA and not has_gpu():  # the cluster has some
            files = replace(files, precision=FP32)
            task = replace(task, files=files, place=replace(task.place, device=CPU))
        Worker(task).begin(on_event)

    def records(self, rows: Iterable[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records in the order of the rows."""
        import ray.data

        logging.getLogger("ray.data").setLevel(logging.ERROR)  # what matters is raised
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.target_max_block_size = BLOCK
        context.enable_progress_bars = False
        size = self._task.options.window
        if isinstance(rows, Slice) and isinstance(rows.rows, FileRows) and rows.rows.in_files:
            cuts = range(rows.start, rows.stop, GROUP * size)
            spans = [rows.rows.spans(at, min(at + GROUP * size, rows.stop)) for at in cuts]
            read = {"options": rows.rows.options, "alone": len(rows.rows.sources) == 1, "size": size}
            source = _dataset(spans).flat_map(_read, fn_kwargs=read, num_cpus=READER_CPUS)
        else:
            source = _dataset(list(windows(rows, size)))
        actors = self._options.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        computed = source.map_batches(
            _Windows,
            fn_constructor_args=(self._task,),
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=ACTOR_CPUS,
            num_gpus=self._options.num_gpus or None,
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of fewer windows than actors
                for row in computed.iter_rows():
                    yield from _unpacked(row["content"], on_event)
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            message = "the cluster could not finish the run: {reason}"
            raise TextgenError(message, reason=reason, hint="{@resume} goes on") from error


@contextmanager
def on_ray(task: Task, options: RunOptions) -> Iterator[Engine]:
    """Connect to a cluster, or start one on this machine.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    if find_spec("ray") is None or find_spec("pyarrow") is None:
        raise UsageError("{@engine} ray needs ray", hint="pip install '.[ray]'")
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    own: dict[str, Any] = {} if options.address else {"num_cpus": share().threads, "include_dashboard": False}
    try:
        ray.init(options.address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        message, place = "no Ray cluster at {place}: {reason}", options.address or "this machine"
        raise UsageError(message, place=place, reason=reason, hint="check {@address}") from None
    try:
        if options.num_gpus > (there := ray.cluster_resources().get("GPU", 0)):
            values = {"wanted": f"{options.num_gpus:g}", "there": f"{there:g}"}
            raise UsageError("{@num_gpus} {wanted}: the cluster has {there}", hint="fewer", **values)
        yield RayEngine(replace(task, place=replace(task.place, threads=1)), options)
    finally:
        with suppress(Exception):  # it goes down with us anyway
            ray.shutdown()


class _Windows:
    """An actor that computes a window per call.

    Args:
        task: What is done with every row.
    """

    def __init__(self, task: Task) -> None:
        import torch

        torch.set_num_threads(1)
        self._worker = Worker(_here(task))
        self._worker.begin(WithoutSteps(lambda event: None))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"content": [self._computed(pickle.loads(item)) for item in batch["content"]]}

    def _computed(self, rows: Sequence[Row]) -> bytes:
        events: list[Event] = []
        try:
            records = list(self._worker.window(rows, WithoutSteps(events.append)))
        except TextgenError as error:
            return pickle.dumps(error)
        return pickle.dumps((events, records))


def _here(task: Task) -> Task:
    """The task with the model files of this node. Raises ModelError if these are of another version."""
    if not task.files.embedded:
        return task
    files = find_model(task.files.name, task.files.precision)
    if files.label != task.files.label:
        labels = {"here": files.label, "wanted": task.files.label}
        raise ModelError("this node has {here}, not {wanted}", hint="install one version", **labels)
    return replace(task, files=files)


def _dataset(items: Sequence[Any]) -> Any:
    """A dataset with one block per item, pickled, so that Ray sees bytes."""
    import ray.data

    packed = [{"content": pickle.dumps(item)} for item in items]
    return ray.data.from_items(packed, override_num_blocks=len(packed))


def _read(row: dict[str, Any], options: InputOptions, alone: bool, size: int) -> Iterator[dict[str, Any]]:
    """The windows of neighbouring spans."""
    spans: list[Span] = pickle.loads(row["content"])
    rows = (row for span in spans for row in rows_of(span, options, alone=alone))
    for window in windows(rows, size):
        yield {"content": pickle.dumps(window)}


def _unpacked(content: bytes, on_event: OnEvent) -> list[Record]:
    found = pickle.loads(content)
    if isinstance(found, TextgenError):
        raise found
    events, records = found
    for event in events:
        on_event(event)
    return list(records)
