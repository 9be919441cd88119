"""Plain Gibbs sampling from the package's bert: textgen, and the published scripts ported.

A task is a number of chains, of tokens of each, and of sweeps; a move draws one token of one chain. All start
from masks, which textgen fills in a sweep of its own before those that it is asked for.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from contestants.in_turn import Contestant, Done, Work
from contestants.ours import ours_in_precisions
from textgen.store.catalog import find_model
from textgen.store.export import export_model

Task = tuple[int, int, int]
SCRIPT = "published script"
PEERS = (SCRIPT,)


def contestants(folder: Path) -> list[Contestant]:
    """All of them.

    Args:
        folder: Where to put the model for the peer.
    """
    for _ in export_model(find_model("bert"), folder, dtype="fp32"):
        pass
    return [Contestant(SCRIPT, script, (folder,)), *ours_in_precisions(ours, "bert")]


def ours(precision: str) -> Work:
    import textgen

    model = textgen.load("bert", precision=precision)

    def work(task: Task) -> Done:
        chains, length, sweeps = task
        [record] = model.generate(
            [""], num_candidates=chains, batch_size=chains, length=(length, length), sweeps=sweeps, seed=1
        )
        assert all(one.tokens == length for one in record.candidates), record
        return Done(chains * length * (sweeps + 1))

    return work


def script(folder: Path) -> Work:
    """The loop of Wang & Cho (2019, https://arxiv.org/abs/1902.04094) and 苏剑林 (https://kexue.fm/archives/8119).

    One forward of all chains for each place, drawn for all at once; the head and the softmax on every place.
    """
    import torch
    from transformers import AutoTokenizer, BertForMaskedLM

    model: Any = BertForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    start, mask, end = tokenizer.cls_token_id, tokenizer.mask_token_id, tokenizer.sep_token_id

    def work(task: Task) -> Done:
        chains, length, sweeps = task
        batch = [[start, *[mask] * length, end] for _ in range(chains)]
        with torch.inference_mode():
            for _ in range(sweeps * length):
                place = random.randint(1, length)
                for row in batch:
                    row[place] = mask
                probs = model(torch.tensor(batch)).logits.softmax(-1)
                drawn = torch.multinomial(probs[:, place], 1)[:, 0].tolist()
                for row, token in zip(batch, drawn, strict=True):
                    row[place] = token
        return Done(chains * length * sweeps)

    return work
