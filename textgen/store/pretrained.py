"""Loading a checkpoint of another make: transformers' network behind an adapter, and its tokenizer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from textgen.compute import available_memory
from textgen.errors import ModelError
from textgen.models.precision import FP32, set_precision
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel
from textgen.plugins import resolved
from textgen.store.catalog import ModelFiles
from textgen.store.checkpoint import ADAPTER_CONFIG, DAMAGED, Checkpoint
from textgen.store.header import stored_tensors
from textgen.store.load import LoadedModel, check_tokens
from textgen.store.peft_adapters import merge_adapter
from textgen.store.profiles import Profile, profile_of
from textgen.store.spread import device_map
from textgen.store.vocabularies import BYTE_LEVEL, CPM, SENTENCEPIECE, WORDPIECE, WORDS, read_vocabulary
from textgen.tokenizers.base import Tokenizer

TOKENIZERS = {
    WORDPIECE: "textgen.tokenizers.wordpiece:WordPieceTokenizer",
    WORDS: "textgen.tokenizers.words:WordTokenizer",
    BYTE_LEVEL: "textgen.tokenizers.byte_level:ByteLevelTokenizer",
    SENTENCEPIECE: "textgen.tokenizers.raw_sentencepiece:SentencePieceModelTokenizer",
    CPM: "textgen.tokenizers.cpm:CpmTokenizer",
}
# by view: the class that loads, and where transformers lists the model_types that it knows
CLASSES = {
    LanguageModel: ("AutoModelForCausalLM", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"),
    TitleModel: ("AutoModelForSeq2SeqLM", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES"),
    MaskedLanguageModel: ("AutoModelForMaskedLM", "MODEL_FOR_MASKED_LM_MAPPING_NAMES"),
}
PADDED = 512  # rows that a matrix of embeddings may have beyond the vocabulary, to a round number


def load_pretrained(files: ModelFiles, label: str | None = None) -> LoadedModel:
    """Load a checkpoint of another make.

    Args:
        files: The checkpoint.
        label: What records are to call it; by default its files are hashed, which takes a while.

    Raises:
        ModelError: Something of it is missing or broken, does not fit the rest, or cannot be computed here.
    """
    profile = profile_of_files(files)
    check_computable(files)
    places = device_map(memory_needed(files))
    network, report = read_network(files, places)
    for problem in tensor_problems(files.path, network, report):
        raise problem
    if files.adapter is not None:
        with silent():  # about the base that the adapter names, which is another path
            network = merge_adapter(network, files.adapter)
    check_tokens(files.path, len(profile.words), rows_of(network), PADDED)
    adapted = _adapted(files, profile, network).eval().requires_grad_(False)
    if places is None:
        adapted = adapted.to(torch.get_default_device())
        set_precision(adapted, files.precision)  # what accelerate has placed multiplies as it is stored
    tokenizer = load_foreign_tokenizer(profile)
    return LoadedModel(files, adapted, tokenizer, label or files.label, profile.scripts, profile.turns)


def tokenizer_beside(files: ModelFiles) -> Tokenizer:
    """The tokenizer of another make that lies beside weights. Raises ModelError if it is broken."""
    return load_foreign_tokenizer(profile_of_files(files))


def profile_of_files(files: ModelFiles) -> Profile:
    """The profile of a checkpoint. Raises as `profile_of`."""
    checkpoint = Checkpoint(files.path, files.config)
    return profile_of(checkpoint, read_vocabulary(checkpoint), files.family)


def load_foreign_tokenizer(profile: Profile) -> Tokenizer:
    """The tokenizer of a profile. Raises ModelError if its file is broken."""
    words = profile.words
    tokenizer: Tokenizer = resolved(TOKENIZERS[words.kind])(words.file, profile.specials, **profile.facts)
    return tokenizer


def check_computable(files: ModelFiles) -> None:
    """Refuse a checkpoint that textgen does not compute, before its weights are read. Raises ModelError."""
    config = files.config
    if isinstance(quantized := config.get("quantization_config"), Mapping):
        kind = quantized.get("quant_method", "quantized")
        hint = "take the checkpoint that it was made from; textgen multiplies in int8 by itself"
        raise ModelError("{path} is quantized ({kind})", path=files.path, kind=kind, hint=hint)
    if (files.path / ADAPTER_CONFIG).is_file():  # transformers would merge it unasked
        hint = "move the adapter to a folder of its own, and give that with {@adapter}"
        raise ModelError("{path} holds an adapter beside the model", path=files.path, hint=hint)
    if (other := config.get("transformers_weights")) is not None:
        hint = "name the file model.safetensors, and take transformers_weights out"
        raise ModelError(
            "{path}/config.json says the weights are in {other}", path=files.path, other=str(other), hint=hint
        )
    if config["model_type"] not in _known_types(files):
        if config.get("auto_map"):
            hint = "textgen runs no code that comes with weights"
            raise ModelError("{path} needs code of its own to be computed", path=files.path, hint=hint)
        hint = "a newer transformers may"
        raise ModelError("transformers knows no {kind} models", kind=config["model_type"], hint=hint)
    needed, free = memory_needed(files), available_memory()
    if free is not None and needed > free:
        raise ModelError(
            "{path} takes {needed} GB of memory, and {free} GB are free",
            path=files.path,
            needed=f"{needed / 1e9:.1f}",
            free=f"{free / 1e9:.1f}",
            hint="take a smaller one" if files.precision != FP32 else "{@precision} int8 takes less",
        )


def memory_needed(files: ModelFiles) -> int:
    """Bytes that a checkpoint takes while it is loaded: in float32, or as it is stored.

    Raises:
        ModelError: A file of its weights is broken.
    """
    stored = stored_tensors(files.weight_files)  # config files need not say in what it is stored
    if files.precision == FP32:
        return sum(torch.float32.itemsize * tensor.count for tensor in stored)
    return sum(file.stat().st_size for file in files.weight_files)


def _known_types(files: ModelFiles) -> Mapping[str, str]:
    """The model_types of which transformers has a network that does what the checkpoint's does."""
    _stay_offline()
    from transformers.models.auto import modeling_auto

    found: dict[str, str] = vars(modeling_auto)[_class_of(files)[1]]
    return found


def _class_of(files: ModelFiles) -> tuple[str, str]:
    return next(names for view, names in CLASSES.items() if files.family.offers(view))


def _stay_offline() -> None:
    """Keep the hub's library from asking the network about a directory; it reads this when it is imported."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def read_network(
    files: ModelFiles, places: str | Mapping[str, Any] | None = None
) -> tuple[Any, Mapping[str, Any]]:
    """The network of a checkpoint, and transformers' report on its tensors; see `tensor_problems`.

    Args:
        files: The checkpoint.
        places: How its parts lie on several devices, as transformers has it; None is one.

    Raises:
        ModelError: The weights cannot be read.
    """
    _stay_offline()
    import transformers

    name, _ = _class_of(files)
    try:
        # its layers are made with random weights first: the generator of the process must not move
        with torch.random.fork_rng(devices=[]), silent():
            found: tuple[Any, Mapping[str, Any]] = getattr(transformers, name).from_pretrained(
                files.path,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                # products of other precisions are made of the weights as they are stored, one by one
                dtype=torch.float32 if files.precision == FP32 else "auto",
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                device_map=places,
            )
    except Exception as error:  # whatever a library says of files that are not what they should be
        reason = str(error).strip().split("\n")[0]
        raise ModelError(
            "cannot load {path}: {reason}", path=files.path, reason=reason, hint=DAMAGED
        ) from error
    return found


def rows_of(network: Any) -> int:
    """The rows of the matrix of a network's embeddings."""
    return int(network.get_input_embeddings().weight.shape[0])


@contextmanager
def silent() -> Iterator[None]:
    """Keep transformers from printing bars and warnings: what is wrong is said by errors."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def tensor_problems(path: Path, network: Any, report: Mapping[str, Any]) -> Iterator[ModelError]:
    """What is wrong with the tensors of a checkpoint, one by one; `read_network` gives network and report."""
    hint = "does config.json belong to these weights?"
    for name, found, meant in sorted(report["mismatched_keys"]):
        template = "{path} has {name} {found}, config.json says {meant}"
        found, meant = str(tuple(found)), str(tuple(meant))
        yield ModelError(template, path=path, name=name, found=found, meant=meant, hint=hint)
    for name in sorted(report["missing_keys"]):
        yield ModelError("{path} lacks the tensor {name}", path=path, name=name, hint=hint)
    for name, tensor in network.state_dict().items():
        if tensor.is_meta:  # where accelerate keeps a part on the disk
            continue
        if tensor.is_floating_point() and not bool(torch.isfinite(torch.stack(tensor.aminmax())).all()):
            hint = "was the training of this checkpoint broken off?"
            yield ModelError("{path}: {name} has values that are not finite", path=path, name=name, hint=hint)


def _adapted(files: ModelFiles, profile: Profile, network: Any) -> Any:
    family = files.family
    if family.offers(LanguageModel):
        return resolved("textgen.models.adapters.causal:CausalAdapter")(
            network,
            positions=profile.positions,
            ends=profile.ends,
            bos=profile.specials.bos,
            reads_bos=profile.reads_bos,
            turns=profile.turns,
        )
    if family.offers(TitleModel):
        return resolved("textgen.models.adapters.encoder_decoder:EncoderDecoderAdapter")(
            network,
            starts=profile.starts,
            ends=profile.ends,
            source_positions=profile.positions,
            target_positions=profile.positions,
        )
    return resolved("textgen.models.adapters.masked:MaskedAdapter")(network, positions=profile.positions)
