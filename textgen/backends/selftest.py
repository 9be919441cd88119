"""A quick check of the machine: the texts of a row are the same alone and in a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textgen.backends.loading import open_backend
from textgen.backends.sameness import sameness
from textgen.errors import DataError

ARTICLES = (
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。馆方说，新增的时段由志愿者参与服务。",
    "研究人员开发出一种新的电池材料，充电十分钟可以行驶四百公里。团队表示，量产还需要两年左右的时间。",
    "周末举行的青少年足球赛上，红队以三比二战胜蓝队，获得冠军。",
)
PROMPTS = ("春天来了，", "今天的新闻", "他说：")


@dataclass(frozen=True)
class Check:
    """One line of the self-test."""

    name: str
    passed: bool
    detail: str


def self_test() -> list[Check]:
    """Title three articles and continue three prompts, each alone and together, in another order."""
    return [
        _sameness("title", ARTICLES, decode="agree", beams=2, max_new_tokens=12),
        _sameness("gpt2", PROMPTS, seed=1, max_new_tokens=12),
        _sameness("bert", PROMPTS, seed=1, sweeps=1),
    ]


def _sameness(model: str, texts: tuple[str, ...], **options: Any) -> Check:
    try:
        passed = sameness(open_backend(model), texts, **options).holds
    except DataError:
        passed = False
    detail = (
        "the same texts alone and in a batch" if passed else "texts depend on the batch: please report this"
    )
    return Check(f"{model} sameness", passed, detail)
