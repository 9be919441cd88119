"""A causal language model: documents end to end in windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from textgen.models.families import GPT2
from textgen.models.families.gpt2 import Gpt2
from textgen.models.families.pretrained import CAUSAL
from textgen.models.initialization import gpt2_config, padded_vocabulary
from textgen.options.train_texts import SIZES, Gpt2TrainOptions
from textgen.schema import Row
from textgen.store.pretrained import profile_of_files
from textgen.train.data.arrays import Arrays, Example
from textgen.train.objectives.causal import CausalBatch, CausalBatches, causal_prediction
from textgen.train.objectives.loss import Prediction
from textgen.train.recipes.initial_model import ScratchRecipe, check_length

USUAL = 1024  # most tokens of a window where nothing is said, and the start is of another make


class Gpt2Recipe(ScratchRecipe[Gpt2TrainOptions, CausalBatch]):
    """Windows of `<s> text </s><s> text </s> …`; without `<s>` for models that do not read it."""

    name: ClassVar = "gpt2"
    columns: ClassVar = ("text",)
    family: ClassVar = GPT2
    others: ClassVar = (CAUSAL,)

    def __init__(self, options: Gpt2TrainOptions) -> None:
        super().__init__(options)
        self.causal = CausalBatches(self.tokenizer.specials, options.replace, options.seed)
        begins = self.files is None or not self.foreign or profile_of_files(self.files).reads_bos
        self._begins = [self.tokenizer.specials.bos] if begins else []
        self._open: dict[int, list[int]] = defaultdict(list)  # what does not fill a window yet, by source

    @property
    def window(self) -> int:
        """Tokens that are predicted together."""
        positions = self.files.positions if self.files else self.options.positions
        # today's models have positions enough to fill any memory
        window = self.options.window or (min(positions, USUAL) if self.foreign else positions)
        check_length("window", window, positions)
        return window

    def cache_key(self) -> dict[str, Any]:
        own = {"kind": "windows", "window": self.window, "apart": bool(self.options.weight)}
        return super().cache_key() | own

    def examples(self, row: Row, source: int) -> Iterator[Example]:
        # sources are kept apart only where they are weighted: there may be as many as documents
        source = source if self.options.weight else 0
        ids = self._open[source]
        ids += [*self._begins, *self.tokenizer.encode(self.text(row)), self.tokenizer.specials.eos]
        # a window begins with the token that the one before has predicted last
        while len(ids) > self.window:
            yield Example({"text": ids[: self.window + 1]}, {"source": source})
            del ids[: self.window]

    def remaining(self) -> Iterable[Example]:
        for source, ids in self._open.items():
            if len(ids) > 1:
                yield Example({"text": ids}, {"source": source})
        self._open.clear()

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> CausalBatch:
        return self.causal.batch([arrays.ids("text", example) for example in examples], examples, epoch)

    def places(self, batch: CausalBatch) -> int:
        return batch.places

    def predict(self, network: Gpt2, batch: CausalBatch) -> Prediction:
        return causal_prediction(network, batch)

    def new_config(self) -> dict[str, Any]:
        size, specials = padded_vocabulary(len(self.tokenizer.vocabulary)), self.tokenizer.specials
        frame = {"bos": specials.bos, "eos": specials.eos, "pad": specials.pad}
        return gpt2_config(vocab_size=size, **frame, **self.options.model_dump(include={*SIZES}))
