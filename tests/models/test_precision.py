"""The precision of a network: chosen by the machine, the same rows alone and together, close to float32."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch

import textgen
from textgen.backends.registry import precision_for
from textgen.errors import UsageError
from textgen.models import precision
from textgen.models.layers.int8 import int8_problem
from textgen.models.precision import choose_precision, describe_auto
from textgen.models.scoring import sequence_logprobs
from textgen.options.batch import Precision
from textgen.store.catalog import find_model

PRECISIONS = [name for name, problem in precision.PROBLEMS.items() if problem() is None]
TEXTS = [
    "今天下午，市气象台发布了大风蓝色预警，提醒市民注意安全。",
    "秋天到了，",
    "青禾县的粮食收购价格近日有所上涨，农民普遍感到满意，收购站前排起了长队。",
]


def test_the_option_names_the_precisions_that_there_are() -> None:
    assert set(get_args(Precision)) == {precision.AUTO, precision.FP32, *precision.PRODUCTS}
    assert set(precision.PROBLEMS) == set(precision.PRODUCTS)


def test_auto_is_int8_where_the_machine_can_and_else_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "int8_problem", lambda: None)
    monkeypatch.setattr(precision, "activation_levels", lambda: 63)
    assert choose_precision() == "int8"
    assert "7 bits" in describe_auto()
    monkeypatch.setattr(precision, "activation_levels", lambda: 127)
    assert choose_precision() == "int8"
    with torch.device("meta"):
        assert choose_precision() == "fp32"
    monkeypatch.setattr(precision, "int8_problem", lambda: "no AVX2")
    assert choose_precision() == "fp32"
    assert describe_auto() == "fp32: no AVX2"
    assert choose_precision("fp32") == "fp32"


def test_auto_is_bf16_on_a_gpu_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("cuda:0"):
        assert choose_precision() == "bf16", "of the GPUs of a cluster nothing is known"
        assert describe_auto() == "bf16: the device is a GPU"
        with pytest.raises(UsageError, match="int8: it is for processors, and the device is cuda"):
            choose_precision("int8")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
        assert choose_precision() == "fp32"
        assert describe_auto() == "fp32: the GPU has no instructions for bfloat16"


def test_what_the_machine_cannot_do_is_refused_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(precision.PROBLEMS, "int8", lambda: "the processor has no AVX2")
    with pytest.raises(UsageError, match="int8: the processor has no AVX2"):
        choose_precision("int8")
    with pytest.raises(UsageError, match="no precision float32"):
        choose_precision("float32")


@pytest.mark.parametrize("name", PRECISIONS)
def test_rows_alone_are_rows_together(name: str) -> None:
    model = textgen.load("gpt2", precision=name)
    rows = [textgen.Row(text, id=str(number)) for number, text in enumerate(TEXTS * 3)]
    together = model.generate(rows, max_new_tokens=8, seed=1)
    alone = [model.generate(row, max_new_tokens=8, seed=1)[0] for row in rows]
    assert [record.candidates for record in together] == [record.candidates for record in alone]
    assert len({record.candidates[0].text for record in together}) > 6


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_changes_log_probabilities_a_little(name: str) -> None:
    def mean(model: Any) -> float:
        specials = model.tokenizer.specials
        targets = [[specials.bos, *model.tokenizer.encode(text)] for text in TEXTS]
        with torch.inference_mode():
            found = [float(sequence_logprobs(model.network, [], [target])[0]) for target in targets]
        return sum(found) / sum(map(len, targets))

    exact, found = mean(textgen.load("gpt2", precision="fp32")), mean(textgen.load("gpt2", precision=name))
    assert found != exact
    assert abs(found / exact - 1) < 0.02


@pytest.mark.skipif(int8_problem() is not None, reason=str(int8_problem()))
def test_parameters_go_where_the_products_have_them() -> None:
    network = textgen.load("title", precision="int8").network
    left = sum(parameter.numel() for parameter in network.parameters())
    whole = sum(
        parameter.numel() for parameter in textgen.load("title", precision="fp32").network.parameters()
    )
    assert left < whole / 3


def test_chains_are_bf16_only_if_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gpt2, bert = find_model("gpt2"), find_model("bert")
    for auto, of_chains in [("int8", "int8"), ("bf16", "fp32"), ("fp32", "fp32")]:
        monkeypatch.setattr(
            precision, "choose_precision", lambda asked, auto=auto: auto if asked == "auto" else asked
        )
        assert precision_for("auto", gpt2) == auto
        assert precision_for("auto", bert) == of_chains
        assert precision_for("auto", gpt2, edits=True) == of_chains
        assert precision_for("bf16", bert, edits=True) == "bf16"
