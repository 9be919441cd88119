"""The vocabulary of a model, its symbols, and what of a text comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from textgen.check.finding import BROKEN, NOTE, OK, Finding, broken
from textgen.check.subject import Subject
from textgen.errors import ModelError
from textgen.messages import Message
from textgen.models.views import LanguageModel
from textgen.store.checkpoint import CONFIG, GENERATION_CONFIG
from textgen.store.load import check_tokens
from textgen.store.pretrained import PADDED
from textgen.store.profiles import Profile
from textgen.tokenizers.base import ABSENT, Tokenizer
from textgen.tokenizers.scripts import COMMON, SIMPLIFIED, TRADITIONAL, as_one_token, scripts_of
from textgen.tokenizers.sentencepiece import SPECIAL_PIECES

TEXT = "今天我们买了3台iPhone 15，共￥1.2万元！\nHello, 世界😀。"
SYMBOLS = ("bos", "eos", "pad", "mask", "cls", "sep", "l2r", "r2l")
STARTS = "starts"  # of a decoder


def of_vocabulary(subject: Subject) -> Iterator[Finding]:
    """Its size beside that of the matrix, and the scripts that it knows."""
    spare = PADDED if subject.foreign else None
    if subject.profiled:
        words = subject.words
        kind, name, tokens, cased = words.kind, words.file.name, len(words), words.cased
    else:
        kind, name = "sentencepiece", Path(str(subject.files.tokenizer)).name
        tokens, cased = len(subject.tokenizer.vocabulary), True
    try:
        check_tokens(subject.files.path, tokens, tokens if subject.rows is None else subject.rows, spare)
    except ModelError as error:
        yield broken("vocabulary", error)
    else:
        template = "{kind} in {file}: {tokens} tokens, {rows} rows in the matrix, {case} letters"
        case = "capital and small" if cased else "only small"
        values = {"kind": kind, "file": name, "tokens": tokens, "rows": subject.rows}
        text = Message(template, **values, case=case)
        yield Finding("vocabulary", OK, text, facts=values | {"cased": cased})
    yield _scripts(subject.tokenizer, subject.profile.scripts if subject.profiled else None)


def _scripts(tokenizer: Tokenizer, known: frozenset[str] | None) -> Finding:
    """How many of the common characters of each script can be read, and how many as one token."""
    facts: dict[str, Any] = {}
    for name, count in as_one_token(tokenizer.vocabulary).items():
        facts[name] = len(COMMON[name]) - len(tokenizer.lost(COMMON[name]))
        facts[f"{name} as one token"] = count
    facts["scripts"] = sorted(known or scripts_of(tokenizer.vocabulary))
    template = (
        "of {all} common characters it reads {simplified} simplified ones ({one} as one token) and "
        "{traditional} traditional ones ({other})"
    )
    if TRADITIONAL not in facts["scripts"]:
        template += "; texts in these are read in simplified ones"
    text = Message(
        template,
        all=len(COMMON[SIMPLIFIED]),
        simplified=facts["simplified"],
        one=facts["simplified as one token"],
        traditional=facts["traditional"],
        other=facts["traditional as one token"],
    )
    few = facts["simplified"] < len(COMMON[SIMPLIFIED]) // 2 > facts["traditional"]
    hint = Message("is it a model of Chinese?") if few else None
    return Finding("vocabulary", NOTE if few else OK, text, hint, facts)


def of_symbols(subject: Subject) -> Iterator[Finding]:
    """Its symbols by their tokens, and what config files say otherwise."""
    continues = subject.files.family.offers(LanguageModel)
    if not subject.profiled:
        specials = {name: [i] for name, i in asdict(subject.tokenizer.specials).items()}
        names = {i: SPECIAL_PIECES[name] for name, [i] in specials.items()}
        yield _symbols(specials, names, True if continues else None)
        return
    profile = subject.profile
    names = {i: name for name, i in profile.words.ids.items()}
    specials = _of_profile(profile)
    yield _symbols(specials, names, profile.reads_bos if continues and subject.foreign else None)
    yield from _differences(subject, specials, names)


def _of_profile(profile: Profile) -> dict[str, list[int]]:
    """The ids of the symbols that there are."""
    found = {name: [i] for name, i in asdict(profile.specials).items() if i != ABSENT}
    found["eos"] = [*profile.ends]
    if profile.starts:
        del found["l2r"]  # the first of the starts
        found[STARTS] = [*profile.starts]
    return found


def _symbols(symbols: Mapping[str, list[int]], names: Mapping[int, str], begins: bool | None) -> Finding:
    listed = [f"{name} {_shown(ids, names)}" for name, ids in symbols.items()]
    text = Message("{listed}", listed=listed)
    if begins is not None:
        ending = "texts begin with bos" if begins else "only a text without a prompt begins with bos"
        text = Message("{listed}; {ending}", listed=listed, ending=ending)
    tokens = {name: [{"id": i, "token": names.get(i)} for i in ids] for name, ids in symbols.items()}
    return Finding("symbols", OK, text, facts={"symbols": tokens, "reads bos": begins})


def _differences(
    subject: Subject, symbols: Mapping[str, list[int]], names: Mapping[int, str]
) -> Iterator[Finding]:
    """Ids of config files that are not those of the profile, which holds."""
    checkpoint = subject.checkpoint
    settings = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "pad"}
    settings |= {"decoder_start_token_id": STARTS}
    for file, content in ((CONFIG, checkpoint.config), (GENERATION_CONFIG, checkpoint.generation)):
        for setting, name in settings.items():
            given = _numbers(content.get(setting))
            if name not in symbols or not given or set(given) <= set(symbols[name]):
                continue
            text = Message(
                "{file} has {setting} {given}; textgen takes {own}",
                file=file,
                setting=setting,
                given=_shown(given, names),
                own=_shown(symbols[name], names),
            )
            facts = {"file": file, "setting": setting, "given": given, "taken": symbols[name]}
            yield Finding("symbols", NOTE, text, facts=facts)


def _numbers(value: Any) -> list[int]:
    listed: list[Any] = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, int) and not isinstance(one, bool)]


def _shown(ids: Iterable[int], names: Mapping[int, str]) -> str:
    """Ids with their tokens."""
    return " ".join(f"{names[i]} ({i})" if i in names else f"{i} (no token)" for i in ids)


def of_round_trip(subject: Subject) -> Iterator[Finding]:
    """What of a text comes back once it is read."""
    tokenizer = subject.tokenizer
    ids = tokenizer.encode(TEXT)
    back, lost = tokenizer.decode(ids), tokenizer.lost(TEXT)
    facts = {"text": TEXT, "back": back, "lost": [*lost], "tokens": len(ids), "lossless": tokenizer.lossless}
    if back == TEXT:
        text = Message("{text} comes back as it is, of {count} tokens", text=repr(TEXT), count=len(ids))
        yield Finding("round trip", OK, text, facts=facts)
        return
    template = "{text} comes back as {back}"
    if lost:
        template = "{text} comes back as {back}; lost: {lost}"
    text = Message(template, text=repr(TEXT), back=repr(back), lost=repr("".join(lost)))
    hint = (
        Message("no token may change what it reads here: is the file whole?") if tokenizer.lossless else None
    )
    yield Finding("round trip", BROKEN if tokenizer.lossless else NOTE, text, hint, facts)
