"""Sentences around words by CGMH: textgen, and the reference script ported.

A task is a number of chains, of candidates that the language model weighs at each edit, and of edits of a
chain. The script has one chain, which goes on from task to task, and always weighs `CANDIDATES`; it makes a
fifth of the edits of one, which is as fast as any number of them one after another. textgen's time includes
what it does before the first edit: words are drawn into the states until they have the least length.
"""

from __future__ import annotations

from cgmh_reference import CANDIDATES, reference_on_gpt2

from contestants.in_turn import Contestant, Done, Work
from textgen.compute import WAITING

WORDS = ("春天", "公园")
SCRIPT_SHARE = 5
Task = tuple[int, int, int]
SCRIPT = f"reference script, {CANDIDATES} candidates"
PEERS = (SCRIPT,)


def contestants() -> list[Contestant]:
    """All of them: textgen with proposals from both sides, with the script's, and as it comes."""
    return [
        Contestant(SCRIPT, script),
        Contestant("textgen, candidates of bert", ours, ("bert", True), WAITING),
        Contestant("textgen, candidates of gpt2", ours, ("gpt2", True), WAITING),
        Contestant("textgen, one draw of bert", ours, ("bert", False), WAITING),
    ]


def ours(proposals: str, weighed: bool) -> Work:
    import textgen

    model = textgen.load("compose")

    def work(task: Task) -> Done:
        chains, candidates, steps = task
        [record] = model.generate(
            [textgen.Row("", keywords=WORDS)],
            chains=chains,
            candidates=candidates if weighed else 0,
            steps=steps,
            proposals=proposals,
            seed=1,
        )
        report = record.candidates[0].chain
        return Done(chains * report.steps)

    return work


def script() -> Work:
    reference, tokenizer = reference_on_gpt2()
    text = reference.begin([tokenizer.encode(word) for word in WORDS])

    def work(task: Task) -> Done:
        nonlocal text
        _, _, steps = task
        edits, before = -(-steps // SCRIPT_SHARE), reference.tried
        while reference.tried < before + edits:
            text = reference.step(text)
        return Done(edits)

    return work
