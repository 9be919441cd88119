"""How often samples in a style are of it, as a classifier tells that has never seen the model.

    python benchmarks/style_accuracy.py MODEL TRAIN.jsonl TEST.jsonl [N [GUIDANCE ...]] [-- OPTION=VALUE ...]

The classifier is a logistic regression on bags of characters, trained on the labelled rows of TRAIN and
measured on those of TEST. For every guidance N texts are sampled in every style; options go to `generate`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import Tensor

import textgen
from textgen.files.lines import lines_in

STEPS, DECAY = 300, 1e-4


def rows(path: str) -> list[tuple[str, str]]:
    lines = lines_in(Path(path).read_text(encoding="utf-8"))
    return [(row["text"], str(row["label"])) for row in map(json.loads, lines)]


def bags(texts: list[str], characters: dict[str, int]) -> Tensor:
    """Which characters a text has, `(texts, characters)`."""
    found = torch.zeros(len(texts), len(characters))
    for row, text in enumerate(texts):
        found[row, [characters[c] for c in set(text) if c in characters]] = 1
    return found


def train(pairs: list[tuple[str, str]], labels: list[str], characters: dict[str, int]) -> torch.nn.Linear:
    inputs = bags([text for text, _ in pairs], characters)
    targets = torch.tensor([labels.index(label) for _, label in pairs])
    layer = torch.nn.Linear(len(characters), len(labels))
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.01, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(layer(inputs), targets).backward()
        optimizer.step()
    return layer


def accuracy(
    layer: torch.nn.Linear, texts: list[str], wanted: list[int], characters: dict[str, int]
) -> float:
    with torch.no_grad():
        told = layer(bags(texts, characters)).argmax(1)
    return 100 * float((told == torch.tensor(wanted)).float().mean())


def main(arguments: list[str]) -> None:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    (model_name, train_file, test_file, *numbers), options = arguments[:split], arguments[split + 1 :]
    samples = int(numbers[0]) if numbers else 200
    guidances = [float(number) for number in numbers[1:]] or [0.0]
    given = {key: json.loads(value) for key, value in (option.split("=", 1) for option in options)}
    known, held_out = rows(train_file), rows(test_file)
    labels = sorted({label for _, label in known})
    characters = {c: n for n, c in enumerate(sorted({c for text, _ in known for c in text}))}
    layer = train(known, labels, characters)
    told = accuracy(layer, [t for t, _ in held_out], [labels.index(lb) for _, lb in held_out], characters)
    print(f"classifier on {len(held_out)} held-out texts: {told:.1f} %")
    model = textgen.load(model_name)
    for guidance in guidances:
        right = []
        for number, label in enumerate(labels):
            record = model.generate(
                "", num_candidates=samples, style=label, guidance=guidance, seed=7, **given
            )[0]
            texts = [candidate.text for candidate in record.candidates]
            right.append(accuracy(layer, texts, [number] * len(texts), characters))
            print(f"guidance {guidance}: {label} {right[-1]:.1f} %, such as", *texts[:3], sep="\n    ")
        print(f"guidance {guidance}: {sum(right) / len(right):.1f} % of {samples * len(labels)} samples")


if __name__ == "__main__":
    main(sys.argv[1:])
