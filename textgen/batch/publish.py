"""Publication: at the end of a run its records become the output, as a whole or not at all.

A process that is killed between two steps leaves what `resume` goes on from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textgen.batch.journal import publish, unwritten
from textgen.batch.manifest import Manifest
from textgen.batch.output import Output
from textgen.errors import TextgenError
from textgen.files.atomic import sync_path
from textgen.files.formats.base import Records
from textgen.schema import Row


def finish(output: Output, manifest: Manifest, errors: int, rows: Iterable[Row]) -> None:
    """Turn the journal into the output.

    Args:
        output: Its files.
        manifest: What was run.
        errors: How many of the records are errors.
        rows: What the records were made of.

    Raises:
        TextgenError: It cannot be written, or somebody else has written a file of its name.
    """
    manifest = replace(manifest, errors=errors)
    manifest.write(output.running)
    try:
        if output.whole != output.part:
            _convert(output, rows, csv_safe="csv_safe" in manifest.output)
            # from here on there is no journal, which tells that the draft is whole
            output.part.replace(output.records)
    except OSError as error:
        raise unwritten(output.path, error) from None
    publish_whole(output, manifest)


def publish_whole(output: Output, manifest: Manifest) -> None:
    """Give the complete file its name, and delete what only a resumed run needs.

    Args:
        output: Its files.
        manifest: What was run; its errors are known.

    Raises:
        TextgenError: It cannot be done, or somebody else has written a file of its name.
    """
    try:
        if output.whole.exists():
            publish(output.whole, output.path, over=manifest.replaces)
        if manifest.errors:  # what --retry-errors goes by
            if output.part_digests.exists():
                output.part_digests.replace(output.digests)
        else:
            for path in (output.part_digests, output.digests):
                path.unlink(missing_ok=True)
            if output.records != output.path:
                output.records.unlink(missing_ok=True)
        output.running.replace(output.manifest)
    except FileExistsError:
        raise appeared(output) from None
    except OSError as error:
        raise unwritten(output.path, error) from None


def appeared(output: Output, kind: type[TextgenError] = TextgenError) -> TextgenError:
    """The error where somebody else has written a file of the output's name."""
    where = output.whole if output.whole.exists() else output.part
    return kind(
        "{@output} {path} exists, and did not when the run began; the records are in {where}",
        hint="move that file away, then {@resume} finishes the run; {@force} begins anew",
        path=output.path,
        where=where,
    )


def _convert(output: Output, rows: Iterable[Row], *, csv_safe: bool) -> None:
    """Write the records in the output's format, beside it. Raises OSError, and leaves nothing then."""
    try:
        write = output.format.write_inert if csv_safe else output.format.write
        assert write is not None  # as `check_output` has seen
        write(Records(output.part, rows), output.draft)
        sync_path(output.draft)
    except OSError:
        output.draft.unlink(missing_ok=True)
        raise
