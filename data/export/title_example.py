"""Title an article with this directory and plain transformers: python example.py article.txt"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertForMaskedLM

BEAMS, LIMIT, RESERVED = 4, 46, 50

here = Path(__file__).parent
tokenizer = AutoTokenizer.from_pretrained(here)
model = BertForMaskedLM.from_pretrained(here, dtype=torch.float32).eval()
prior = {name: tensor.float() for name, tensor in load_file(here / "prior.safetensors").items()}

lines = (line.strip() for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n"))
article = "\n".join(line for line in lines if line)
body = tokenizer(article, add_special_tokens=False, split_special_tokens=True)["input_ids"][
    : 512 - RESERVED - 2
]
source = [tokenizer.cls_token_id, *body, tokenizer.sep_token_id]
first, eos = tokenizer.convert_tokens_to_ids("<l2r>"), tokenizer.eos_token_id

# the copy prior: pieces of the article are likelier in the title
vote = prior["prior.t"].clone()
copied = torch.tensor(sorted({i for i in body if i > 8}))
vote[copied] += prior["prior.a"][copied].exp()
# titles hold no specials (but the end), bytes or line breaks
banned = torch.ones(len(vote), dtype=torch.bool)
banned[273 : len(tokenizer)] = False
banned[eos] = False


def next_logprobs(targets):
    """Log-probabilities of the next piece under the UniLM mask: i sees j iff u_j <= u_i."""
    ids = torch.tensor([source + target for target in targets])
    types = torch.tensor([[0] * len(source) + [1] * len(target) for target in targets])
    level = types.cumsum(1)
    hidden = level[:, None, None, :] > level[:, None, :, None]
    mask = torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min)
    logits = model(input_ids=ids, token_type_ids=types, attention_mask=mask).logits[:, -1]
    return ((logits + vote) / 2).masked_fill(banned, -torch.inf).log_softmax(-1)


alive, finished = [(0.0, [first])], []
with torch.inference_mode():
    for length in range(1, LIMIT + 1):
        scores = next_logprobs([ids for _, ids in alive])
        if length == 1:
            scores[:, eos] = -torch.inf
        totals = (torch.tensor([total for total, _ in alive])[:, None] + scores).flatten()
        best = totals.topk(2 * BEAMS)
        extended = [
            (total, [*alive[at // len(vote)][1], at % len(vote)])
            for total, at in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
        finished += [(total / length, ids) for total, ids in extended[:BEAMS] if ids[-1] == eos]
        finished = sorted(finished, reverse=True)[:BEAMS]
        alive = [(total, ids) for total, ids in extended if ids[-1] != eos][:BEAMS]
        if len(finished) == BEAMS and alive[0][0] / LIMIT <= finished[-1][0]:
            break
ids = finished[0][1] if finished else alive[0][1]
print(tokenizer.decode(ids[1:], skip_special_tokens=True))  # noqa: T201
