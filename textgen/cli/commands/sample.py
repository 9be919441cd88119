"""`textgen sample`: continuations and samples."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgen.batch.planner import CGMH
from textgen.cli import flags as opt
from textgen.cli.commands.compose import word_inputs
from textgen.cli.generate import ObservedSink, exit_code, generate, planned, seed_note
from textgen.cli.literal import check_literal
from textgen.cli.observers import Observation
from textgen.cli.render import console
from textgen.cli.render.texts import numbering, samples, texts
from textgen.commands import LANGUAGE_MODEL
from textgen.errors import DataError, UsageError
from textgen.messages import option
from textgen.options import ComposeOptions, ContinueOptions, GibbsOptions, InputOptions, RunOptions, composed
from textgen.options.fields import FILES
from textgen.schema import Row

PROMPT = "What to continue (gpt2), or the sentence to start from (bert)."
FIELD = {
    "field": Annotated[
        str | None,
        opt.option(
            "The field of a table with the prompt (default text).",
            "--field",
            "--prompt-field",
            panel=FILES,
        ),
    ]
}
STEPS = {"steps": opt.flags_of(ComposeOptions)["steps"]}


@opt.takes(
    opt.flags_of(gpt2=composed(ContinueOptions), bert=GibbsOptions),
    STEPS,
    opt.without(opt.flags_of(InputOptions), "choices_field"),
    FIELD,
    opt.flags_of(RunOptions),
)
def sample(
    options: dict[str, Any],
    sink: ObservedSink,
    prompt: Annotated[str | None, typer.Argument(help=PROMPT, show_default=False)] = None,
    model: opt.Model = LANGUAGE_MODEL,
    inputs: opt.Inputs = None,
    stream: Annotated[bool, opt.option("Show the text as it is written.", "--stream")] = False,
) -> int:
    """Write freely where there is no prompt. Samples come in the order drawn.

    --model cgmh is the same as textgen compose.
    """
    if model == CGMH:
        if prompt or stream:
            hint = "give the words with {@keyword}, or a file of them with {@input}"
            raise UsageError("{@model} {name} takes no prompt and does not stream", name=CGMH, hint=hint)
        rows = word_inputs((), inputs, options)
        return generate("sample", rows, options, model=CGMH, sink=sink, shown=texts)
    rows = _inputs(prompt, inputs, options)
    if stream:
        return _stream(rows, options, model, sink)
    return generate("sample", rows, options, model=model, sink=sink, shown=samples)


def _inputs(prompt: str | None, inputs: list[str] | None, options: dict[str, Any]) -> list[str] | list[Row]:
    if inputs and prompt is not None:
        raise UsageError("a prompt and -i exclude each other", hint="put the prompt into the file")
    if inputs:
        return inputs
    check_literal(prompt or "")
    if not (prompt or "").strip() and "keep" in options:
        raise UsageError("{@keep} needs a sentence", hint="give the sentence that the words are part of")
    if (prompt or "").strip() and "length" in options:
        raise UsageError("a seed sentence has its own length", hint="leave out {@length}, or the sentence")
    return [Row(prompt or "", name="1")]


def _stream(inputs: list[str] | list[Row], options: dict[str, Any], model: str, sink: ObservedSink) -> int:
    if sink.as_json or sink.output:
        raise UsageError("{@stream} shows text, not records", hint="leave out {@as_json} and {@output}")
    given = {*options} & {*RunOptions.model_fields} | sink.model_fields_set & {*Observation.model_fields}
    if unfit := sorted(given - {"threads", "precision", "device", "adapter"}):
        raise UsageError(
            "{option} does not go with {@stream}", option=option(unfit[0]), hint="leave out one of them"
        )
    job = planned("sample", inputs, options, model=model, sink=sink, observation=Observation())
    number = numbering(len(job.rows) * job.task.options.num_candidates)
    failed = 0
    with job.task.place.entered(), console.listening(1, quiet=sink.quiet) as on_event:
        backend = job.task.open()
        backend.check_streamable(job.task.options)
        tell_seed = seed_note(job, sink)
        seed = backend.begin(job.task.options, on_event)
        for row in job.rows:
            try:
                if row.error is not None:
                    raise DataError(row.error)
                for candidate in range(job.task.options.num_candidates):
                    parts = backend.stream_row(
                        row, job.task.options, seed, candidate=candidate, on_event=on_event
                    )
                    tell_seed()
                    number()
                    console.result(row.text, end="")
                    for part in parts:
                        console.result(part, end="")
                    console.result("")
            except DataError as error:
                failed += 1
                console.report(error.line)
    return exit_code(len(job.rows), failed)
