"""Small networks of transformers, and their tensors under the names that other trainers give them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    ElectraConfig,
    ElectraForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    RoFormerConfig,
    RoFormerForMaskedLM,
)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"今天气很好我们去公园。，", "##天"]
SIZES = {
    "vocab_size": len(WORDS) + 2,  # more rows than words, as some models have
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
}
GROVER_LAYERS = 11  # numbers of two digits
GROVER = {"vocab_size": 20, "hidden_size": 12, "num_attention_heads": 3, "num_hidden_layers": GROVER_LAYERS}
GROVER_DENSE = {
    "query_layer": (12, 12),
    "key_layer": (12, 12),
    "value_layer": (12, 12),
    "context_projection_layer": (12, 12),
    "intermediate": (12, 48),
    "output": (48, 12),
}
IDS = torch.tensor([[2, 5, 6, 4, 7, 8, 3]])


def random_network(kind: str, positions: int = 16) -> nn.Module:
    """A small network whose every parameter is random, the biases too."""
    torch.manual_seed(sum(map(ord, kind)))
    sizes = SIZES | {"max_position_embeddings": positions}
    narrow = sizes | {"embedding_size": 8}
    network: Any = {
        "bert": lambda: BertForMaskedLM(BertConfig(**sizes)),
        "electra": lambda: ElectraForMaskedLM(ElectraConfig(**narrow, layer_norm_eps=1e-12)),
        "roformer": lambda: RoFormerForMaskedLM(RoFormerConfig(**narrow)),
        "gpt2": lambda: GPT2LMHeadModel(
            GPT2Config(vocab_size=19, n_embd=12, n_layer=2, n_head=3, n_positions=16, n_inner=20)
        ),
    }[kind]()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "embed_positions" not in name:
                parameter.normal_(0.0, 0.3)
    return network.eval()


def google_names(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a masked model as TensorFlow names and lays them out."""
    tensors = {}
    for name, value in network.state_dict().items():
        if "decoder." in name or name == "generator_lm_head.weight" or "embed_positions" in name:
            continue  # tied, or computed
        name = re.sub(r"^(electra|roformer)\.", "bert.", name)
        name = name.replace("generator_predictions.", "cls.predictions.transform.")
        name = name.replace("generator_lm_head.bias", "cls.predictions.output_bias")
        name = name.replace("cls.predictions.bias", "cls.predictions.output_bias")
        name = name.replace("bert.embeddings_project", "bert.encoder.embedding_hidden_mapping_in")
        if "LayerNorm" in name:
            name = name.replace(".weight", ".gamma").replace(".bias", ".beta")
        elif name.endswith("_embeddings.weight"):
            name = name.removesuffix(".weight")
        elif name.endswith(".weight"):
            name, value = name.removesuffix("weight") + "kernel", value.t()
        tensors[re.sub(r"layer\.(\d+)", r"layer_\1", name).replace(".", "/")] = value.clone()
    return tensors


def grover_tensors() -> dict[str, Tensor]:
    """What Grover's training code names its variables."""
    generator = torch.Generator().manual_seed(3)
    shapes: dict[str, tuple[int, ...]] = {
        "newslm/embeddings/word_embed": (20, 12),
        "newslm/embeddings/pos_embed": (16, 12),
    }
    norms = ["newslm/embeddings/LayerNorm_embed_norm"]
    for layer in range(GROVER_LAYERS):
        begin = f"newslm/layer{layer:02}"
        for name, shape in GROVER_DENSE.items():
            shapes |= {f"{begin}/{name}/kernel": shape, f"{begin}/{name}/bias": shape[1:]}
        norms += [f"{begin}/LayerNorm_mlp_ln0", f"{begin}/LayerNorm_mlp_ln1"]
    shapes |= {f"{norm}/{end}": (12,) for norm in norms for end in ("gamma", "beta")}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def write_vocabulary(folder: Path) -> None:
    """The words, one a line."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def logits(network: Any) -> Tensor:
    """What a network says of a few ids."""
    with torch.inference_mode():
        found: Tensor = network(input_ids=IDS).logits
    return found
