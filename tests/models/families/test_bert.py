"""Our BERT against transformers' BertForMaskedLM."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from transformers import BertForMaskedLM

from textgen.models.families.bert import Bert, BertConfig
from textgen.store.load import LoadedModel

TOLERANCE = {"atol": 1e-4, "rtol": 0.0}
SENTENCE = "北京时间十一月二十一日，科学家们发布了2026年的观测结果。"
MASK = 4


def random_rows(*lengths: int, width: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(sum(lengths))
    ids = torch.zeros(len(lengths), width or max(lengths), dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(9, 101, (length,), generator=generator)
    return ids, torch.tensor(lengths)


def test_parameter_names_are_theirs_but_for_the_tied(tiny_bert: Bert, their_bert: BertForMaskedLM) -> None:
    left_out = set(their_bert.state_dict()) - set(tiny_bert.state_dict())
    assert set(tiny_bert.state_dict()) <= set(their_bert.state_dict())
    assert left_out <= {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    for name, tensor in tiny_bert.state_dict().items():
        assert tensor.shape == their_bert.state_dict()[name].shape, name


@pytest.mark.parametrize("length", [1, 2, 15, 16, 33, 128])
def test_logits_equal_theirs(tiny_bert: Bert, their_bert: BertForMaskedLM, length: int) -> None:
    ids, lengths = random_rows(length, length)
    expected = their_bert(input_ids=ids).logits
    found = tiny_bert.logits(tiny_bert.encode(ids, lengths))
    assert found.shape == (2, length, 101)
    torch.testing.assert_close(found, expected, **TOLERANCE)
    assert expected.std() > 0.5  # the comparison would see a wrong layer


def test_padded_rows_equal_theirs_under_a_mask(tiny_bert: Bert, their_bert: BertForMaskedLM) -> None:
    ids, lengths = random_rows(3, 17, 9, width=32)
    mask = (torch.arange(32) < lengths[:, None]).long()
    expected = their_bert(input_ids=ids, attention_mask=mask).logits
    found = tiny_bert.logits(tiny_bert.encode(ids, lengths))
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(found[row, :length], expected[row, :length], **TOLERANCE)


def test_token_types_and_positions_equal_theirs(tiny_bert: Bert, their_bert: BertForMaskedLM) -> None:
    ids, _ = random_rows(6)
    positions = torch.tensor([[5, 3, 100, 0, 7, 127]])
    types = torch.tensor([[0, 2, 1, 1, 0, 2]])
    expected = their_bert.bert.embeddings(input_ids=ids, position_ids=positions, token_type_ids=types)
    torch.testing.assert_close(tiny_bert.embed(ids, positions, types), expected, **TOLERANCE)


def test_what_stands_in_the_padding_is_not_seen(tiny_bert: Bert) -> None:
    ids, lengths = random_rows(3, 17, 9, width=32)
    positions = torch.tensor([1, 16, 4])
    changed = ids.clone()
    for row, length in enumerate(lengths.tolist()):
        changed[row, length:] = 77
    first = tiny_bert.masked_logits(ids, lengths, positions)
    assert torch.equal(tiny_bert.masked_logits(changed, lengths, positions), first)
    changed[0, 2] = 88  # a place that counts, to show that the comparison can fail
    assert not torch.equal(tiny_bert.masked_logits(changed, lengths, positions)[0], first[0])


def test_masked_logits_are_those_at_each_rows_position(tiny_bert: Bert, their_bert: BertForMaskedLM) -> None:
    ids, lengths = random_rows(7, 7, 7)
    positions = torch.tensor([0, 6, 3])
    ids[torch.arange(3), positions] = MASK
    expected = their_bert(input_ids=ids).logits
    found = tiny_bert.masked_logits(ids, lengths, positions)
    assert found.shape == (3, 101)
    for row, position in enumerate(positions.tolist()):
        torch.testing.assert_close(found[row], expected[row, position], **TOLERANCE)


@pytest.mark.usefixtures("one_thread")
def test_a_batch_has_the_bits_of_its_rows_alone(tiny_bert: Bert) -> None:
    ids, lengths = random_rows(17, 32, 20, 29, 18, width=32)
    positions = torch.tensor([16, 0, 5, 28, 2])
    together = tiny_bert.masked_logits(ids, lengths, positions)
    for row in range(5):
        one = slice(row, row + 1)
        alone = tiny_bert.masked_logits(ids[one], lengths[one], positions[one])
        assert torch.equal(alone[0], together[row]), row


@pytest.mark.usefixtures("one_thread")
def test_a_batch_of_the_shipped_model_has_the_bits_of_its_rows_alone(bert_model: LoadedModel) -> None:
    network = bert_model.network
    assert isinstance(network, Bert)
    generator = torch.Generator().manual_seed(11)
    lengths = torch.tensor([17, 32, 25])
    ids = torch.randint(273, 8185, (3, 32), generator=generator)
    positions = torch.tensor([16, 0, 5])
    together = network.masked_logits(ids, lengths, positions)
    for row in range(3):
        one = slice(row, row + 1)
        assert torch.equal(network.masked_logits(ids[one], lengths[one], positions[one])[0], together[row])


def test_shipped_model_equals_theirs_with_the_same_weights(
    bert_model: LoadedModel, shipped_reference: Callable[[str], nn.Module]
) -> None:
    network, specials = bert_model.network, bert_model.tokenizer.specials
    assert isinstance(network, Bert)
    ids = torch.tensor([[specials.cls, *bert_model.tokenizer.encode(SENTENCE), specials.sep]])
    hidden = [4, 5, 13]
    ids[0, hidden] = specials.mask
    expected = shipped_reference("bert")(input_ids=ids).logits.log_softmax(-1)
    lengths = torch.tensor([ids.shape[1]])
    found = network.logits(network.encode(ids, lengths)).log_softmax(-1)
    torch.testing.assert_close(found, expected, **TOLERANCE)
    assert bert_model.tokenizer.decode(found[0, hidden].argmax(-1).tolist()) == "间十科"


def test_config_lacking_a_size_is_a_key_error() -> None:
    sizes = {name: 8 for name in BertConfig.__dataclass_fields__ if name != "hidden_size"}
    with pytest.raises(KeyError, match="hidden_size"):
        BertConfig.from_dict(sizes)
