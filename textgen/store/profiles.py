"""How a checkpoint of another make is to be used: as it was trained, whatever its config files forget.

Config files of Chinese checkpoints are often those of the English model that they were made after: a GPT-2
over a vocabulary of BERT says nothing of its symbols, and GPT-2's 50256 is then no token at all. So symbols
are told by the vocabulary first; `KNOWN` has what neither tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from textgen.errors import ModelError
from textgen.models.family import Family
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel, TitleRanker
from textgen.store.checkpoint import Checkpoint, read_object, taken_apart
from textgen.store.sizes import positions_of
from textgen.store.vocabularies import BYTE_LEVEL, CPM, SENTENCEPIECE, WORDPIECE, WORDS, Words
from textgen.tokenizers.base import ABSENT, Specials
from textgen.tokenizers.scripts import TRADITIONAL

OF_BERT = {"bos": "[CLS]", "eos": "[SEP]", "pad": "[PAD]", "mask": "[MASK]", "cls": "[CLS]", "sep": "[SEP]"}
OF_SENTENCEPIECE = {
    "bos": "<s>",
    "eos": "</s>",
    "pad": "<pad>",
    "mask": "<mask>",
    "cls": "<s>",
    "sep": "</s>",
}
USUAL = {
    WORDPIECE: OF_BERT,
    WORDS: OF_BERT,
    SENTENCEPIECE: OF_SENTENCEPIECE,
    BYTE_LEVEL: OF_SENTENCEPIECE | {"eos": "<|endoftext|>"},
    CPM: {"bos": "<s>", "eos": "<eod>", "pad": "<pad>"},
}
TARGET_STARTS = "target_starts"  # in the config of a network of ours: what titles begin behind, as ids
SPEAKERS = ("[speaker1]", "[speaker2]")


@dataclass(frozen=True)
class Profile:
    """How a checkpoint is to be used.

    Attributes:
        words: Its vocabulary.
        specials: Its symbols; `l2r` stands for the first of `starts`.
        ends: Ids of which any ends a text; the first is `specials.eos`.
        starts: What a decoder that reads a source from elsewhere begins with.
        reads_bos: Whether texts began with `specials.bos` in training; else only those from nothing do.
        facts: What its tokenizer is to be told beside.
        positions: Most ids that it reads and writes together.
        scripts: Those of `textgen.tokenizers.scripts` that it writes; None where its vocabulary tells.
        turns: Symbols of those who speak in the dialogues that it was trained to answer; else none.
    """

    words: Words
    specials: Specials
    ends: tuple[int, ...]
    starts: tuple[int, ...]
    reads_bos: bool
    facts: Mapping[str, Any]
    positions: int
    scripts: frozenset[str] | None = None
    turns: tuple[int, ...] = ()


def profile_of(checkpoint: Checkpoint, words: Words, family: Family) -> Profile:
    """The profile of a checkpoint.

    Raises:
        ModelError: A symbol that such models need has no id, or config files give ids that are none.
    """
    view = next(view for view in DERIVED if family.offers(view))
    profile = DERIVED[view](checkpoint, words)
    for known in KNOWN:
        if known.fits(checkpoint, words):
            profile = known.correct(profile)
    profile = _directed(profile, checkpoint)
    if len(words.ids) and max((*profile.ends, *profile.starts, profile.specials.pad)) >= len(words):
        hint = "is the vocabulary whole?"
        raise ModelError("{path}: a symbol has no token", path=checkpoint.path, hint=hint)
    return profile


def _directed(profile: Profile, checkpoint: Checkpoint) -> Profile:
    """The profile with the symbols by which a network of ours tells the directions of a title."""
    given = checkpoint.config.get(TARGET_STARTS)
    if given is None:
        return profile
    ids = given.values() if isinstance(given, dict) and given.keys() == {"l2r", "r2l"} else ()
    if not all(type(i) is int and i >= 0 for i in ids) or len({*ids}) < 2:
        raise ModelError(
            "{path}/config.json: {key} cannot be {value}",
            path=checkpoint.path,
            key=TARGET_STARTS,
            value=str(given),
            hint='it is like {"l2r": 1, "r2l": 2}',
        )
    return replace(profile, starts=(), specials=replace(profile.specials, **given))


def _causal(checkpoint: Checkpoint, words: Words) -> Profile:
    names = USUAL[words.kind]
    if words.kind in (WORDPIECE, WORDS, CPM):
        bos, end = (_needed(words, names[name], checkpoint) for name in ("bos", "eos"))
        return _profile(checkpoint, words, bos=bos, ends=(end,), reads_bos=words.kind != CPM)
    ends = _ends(checkpoint, words)
    own = checkpoint.setting("bos_token_id")
    named = checkpoint.symbol("bos_token") or names["bos"]
    bos = words.ids.get(named, own if _is_token(own, words) else ends[0])
    reads_bos = _adds_start(checkpoint, words) and bos not in ends
    return _profile(checkpoint, words, bos=bos, ends=ends, reads_bos=reads_bos)


def _adds_start(checkpoint: Checkpoint, words: Words) -> bool:
    """Whether the tokenizer puts a start symbol before every text."""
    told = checkpoint.tokenizer.get("add_bos_token")
    if told is not None:
        return bool(told)
    if words.file.name != "tokenizer.json":
        return words.kind == SENTENCEPIECE  # whose tokenizers add it unless they are told not to
    steps = read_object(words.file).get("post_processor") or {}
    with taken_apart(words.file):
        first = [step.get("single") or [{}] for step in steps.get("processors") or [steps]]
        return any("SpecialToken" in parts[0] for parts in first)


def _encoder_decoder(checkpoint: Checkpoint, words: Words) -> Profile:
    if words.kind in (WORDPIECE, WORDS):
        cls, sep = (words.ids.get(OF_BERT[name], ABSENT) for name in ("cls", "sep"))
        ends = (sep,) if sep != ABSENT else _ends(checkpoint, words)
        starts = (cls,) if cls != ABSENT else (_start(checkpoint, words),)
        return _profile(checkpoint, words, ends=ends, starts=starts, cls=cls, sep=ends[0])
    ends = _ends(checkpoint, words)
    return _profile(checkpoint, words, ends=ends, starts=(_start(checkpoint, words),), sep=ends[0])


def _masked(checkpoint: Checkpoint, words: Words) -> Profile:
    names = USUAL[words.kind]
    mask, cls, sep = (
        _needed(words, checkpoint.symbol(f"{name}_token") or names[name], checkpoint)
        for name in ("mask", "cls", "sep")
    )
    return _profile(checkpoint, words, ends=(sep,), mask=mask, cls=cls, sep=sep)


DERIVED: Mapping[type, Callable[[Checkpoint, Words], Profile]] = {
    LanguageModel: _causal,
    TitleModel: _encoder_decoder,
    MaskedLanguageModel: _masked,
    TitleRanker: _masked,
}


@dataclass(frozen=True)
class Known:
    """What the files of a known family of checkpoints do not say, or say wrongly.

    Attributes:
        name: What the family is called.
        fits: Whether a checkpoint is of it.
        correct: Its profile, of the one that the files give.
    """

    name: str
    fits: Callable[[Checkpoint, Words], bool]
    correct: Callable[[Profile], Profile]


def _called(part: str) -> Callable[[Checkpoint, Words], bool]:
    def fits(checkpoint: Checkpoint, words: Words) -> bool:
        names = (str(checkpoint.config.get("_name_or_path") or ""), checkpoint.path.resolve().name)
        return any(part in name.casefold() for name in names)

    return fits


KNOWN = (
    # trained on traditional texts, with a vocabulary that has the simplified characters, too
    Known("CKIP Lab", _called("ckip"), lambda profile: replace(profile, scripts=frozenset({TRADITIONAL}))),
    # trained without symbols: a start symbol before a prompt is out of place
    Known(
        "Wenzhong 2.0",
        lambda checkpoint, words: words.kind == WORDPIECE and _called("wenzhong2")(checkpoint, words),
        lambda profile: replace(profile, reads_bos=False),
    ),
    # its windows were cut from texts without symbols
    Known(
        "GPT2-ML",
        lambda checkpoint, words: checkpoint.config.get("model_type") == "gpt2-ml",
        lambda profile: replace(profile, reads_bos=False),
    ),
    # a dialogue is [CLS] [speaker1] … [speaker2] …, and its answer ends with [SEP]
    Known(
        "CDial-GPT",
        lambda checkpoint, words: words.kind == WORDPIECE and words.ids.keys() >= {*SPEAKERS},
        lambda profile: replace(profile, turns=tuple(profile.words.ids[name] for name in SPEAKERS)),
    ),
    # its decoder begins with the end symbol and then writes the start symbol, as fairseq's did
    Known(
        "BART over a vocabulary of BERT",
        lambda checkpoint, words: checkpoint.config.get("model_type") == "bart" and words.kind == WORDPIECE,
        lambda profile: replace(profile, starts=(profile.specials.sep, profile.specials.cls)),
    ),
    # Pegasus has symbols of its own beside those of the vocabulary of BERT
    Known(
        "Pegasus over a vocabulary of BERT",
        lambda checkpoint, words: checkpoint.config.get("model_type") == "pegasus" and "</s>" in words.ids,
        lambda profile: _ended(profile, "</s>", "<pad>"),
    ),
)


def _ended(profile: Profile, end: str, pad: str) -> Profile:
    ids = profile.words.ids
    last, first = ids[end], ids.get(pad, profile.specials.pad)
    specials = replace(profile.specials, eos=last, sep=last, cls=ABSENT, pad=first, l2r=first)
    return replace(profile, ends=(last,), starts=(first,), specials=specials)


def _profile(
    checkpoint: Checkpoint,
    words: Words,
    *,
    ends: tuple[int, ...],
    starts: tuple[int, ...] = (),
    reads_bos: bool = True,
    **symbols: int,
) -> Profile:
    pad = words.ids.get(checkpoint.symbol("pad_token") or USUAL[words.kind]["pad"])
    if pad is None:
        own = checkpoint.setting("pad_token_id")
        pad = own if _is_token(own, words) else ends[0]
    first = starts[0] if starts else ABSENT
    specials = Specials(**{"pad": pad, "eos": ends[0], "l2r": first} | symbols)
    facts = FACTS[words.kind](checkpoint, words) if words.kind in FACTS else {}
    return Profile(words, specials, ends, starts, reads_bos, facts, positions_of(checkpoint.config))


def _case(checkpoint: Checkpoint, words: Words) -> dict[str, Any]:
    # a vocabulary without capitals has no token for them
    return {"lower_case": bool(checkpoint.tokenizer.get("do_lower_case", True)) or not words.cased}


def _style(checkpoint: Checkpoint, words: Words) -> dict[str, Any]:
    if words.file.name != "vocab.json":  # tokenizer.json says it by itself
        return {}
    return {"style": "qwen2" if str(checkpoint.config.get("model_type")).startswith("qwen") else "gpt2"}


FACTS: Mapping[str, Callable[[Checkpoint, Words], dict[str, Any]]] = {
    WORDPIECE: _case,
    WORDS: _case,
    BYTE_LEVEL: _style,
}


def _needed(words: Words, name: str, checkpoint: Checkpoint) -> int:
    if name not in words.ids:
        raise ModelError(
            "the tokenizer {file} has no token {name}",
            file=words.file,
            name=name,
            hint="is it the tokenizer the model was trained with?",
        )
    return words.ids[name]


def _ends(checkpoint: Checkpoint, words: Words) -> tuple[int, ...]:
    """Ids that end a text: those that the config files list, and the tokenizer's own end symbol."""
    named = checkpoint.symbol("eos_token") or USUAL[words.kind]["eos"]
    own = words.ids.get(named)
    listed = checkpoint.setting("eos_token_id")
    numbers = listed if isinstance(listed, list) else [] if listed is None else [listed]
    for number in numbers:
        if not _is_token(number, words):
            fix = "set it to {own}, the id of {named}"
            hint = "the vocabulary calls no token an end" if own is None else fix
            raise ModelError(
                "{path}/config.json: eos_token_id {number} is none of {count} tokens",
                path=checkpoint.path,
                number=json.dumps(number),  # of a string, its quotation marks too
                count=len(words),
                hint=hint,
                own=own,
                named=named,
            )
    found = dict.fromkeys([*numbers, *([] if own is None else [own])])
    if not found:
        hint = "set eos_token_id in config.json"
        raise ModelError("{path} names no end symbol", path=checkpoint.path, hint=hint)
    return tuple(found)


def _start(checkpoint: Checkpoint, words: Words) -> int:
    """What a decoder begins with: by the config files, or the padding, as T5 has it."""
    for name in ("decoder_start_token_id", "pad_token_id"):
        if _is_token(found := checkpoint.setting(name), words):
            return int(found)
    return words.ids.get(USUAL[words.kind]["pad"], 0)


def _is_token(number: Any, words: Words) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(words)
