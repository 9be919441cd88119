"""Facts that rewrites lose or add: python benchmarks/facts_kept.py TEXTS.jsonl RECORDS.jsonl

TEXTS has rows with `id`, `text` and `facts`: substrings picked by a person, which a rewrite must have, too.
RECORDS is what `textgen rewrite -i TEXTS.jsonl -o RECORDS.jsonl` wrote. Numbers, times and negations are
compared beside the facts, by patterns that have nothing in common with those that lock them in textgen.
Prints every candidate that lost or added something, and the sums.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

_HALF = str.maketrans("０１２３４５６７８９％．：", "0123456789%.:")
# said with a numeral or a negation, and neither
_IDIOMS = re.compile(
    "一些|一点儿?(?!钟|半)|一下子?|一样|一切|一起|一直|一般|一定|一边|一面|一旦|一向|一再|一致|一律|一会儿|一时|一路|一共|一方面"
    "|一同|一道"
    "|十分(?!钟|之)|万一|千万(?!元|人)|统一|唯一|百姓|百货|四周|四处|半路|多半|进一步|一模一样|一口气|一齐|一并|万分|万物"
    "|不但|不仅|不光|不管|不论|无论|不过|不断|不久|不错|不少|不如|不同|不禁|不由得|差不多|对不起|了不起|不好意思|特别|别人|别的|区别"
    "|分别|级别|性别|告别|离别|个别|非常|未来|无数|莫名"
    "|非洲|无比|不时|要不|不然|沉没|淹没|不妨|不免|无线|忍不住|不得不"
)
_PATTERNS = {
    "number": r"第?(?:\d+(?:[.:,]\d+)*%?|[零〇一二两三四五六七八九十百千万亿几半]+)"
    r"(?:个半|[A-Za-z\u4e00-\u9fff])?",
    "time": r"(?:[今昨明前后当次]|每)[天日年晚早]|[上下本]个?(?:周|月|星期)|周[一二三四五六日末]"
    r"|上午|下午|中午|早上|晚上|夜里|夜间|凌晨"
    r"|傍晚|[春夏秋冬][天季]|去年",
    "negation": r"[不没無无未勿莫]|别(?=再|忘|让|去|把|在|[\u4e00-\u9fff]{1,3}了)|严禁|禁止",
    "modal": r"必须|应当|应该|可能|可以|能够|务必|一定要|切勿",
    "latin": r"[A-Za-z]+",
}


@dataclass(frozen=True)
class Verdict:
    """What a rewrite did to the facts.

    Attributes:
        lost: Facts of the source that it lacks.
        added: Numbers, times, negations and the like that the source lacks.
        changed: The share of the source's characters that it has not in its place.
    """

    lost: tuple[str, ...]
    added: tuple[str, ...]
    changed: float

    @property
    def kept(self) -> bool:
        """Whether nothing was lost or added."""
        return not self.lost and not self.added


def compared(source: str, rewrite: str, facts: Iterable[str] = ()) -> Verdict:
    """Compare a rewrite with its source.

    Args:
        source: The sentence.
        rewrite: In other words.
        facts: Substrings of the source that must be in the rewrite, white space apart.
    """
    bare = re.sub(r"\s", "", rewrite)
    absent = [fact for fact in facts if re.sub(r"\s", "", fact) not in bare]
    before, after = _marks(source), _marks(rewrite)
    lost = [mark for mark in (before - after).elements() if not any(mark in fact for fact in absent)]
    added = list((after - before).elements())
    same = sum(
        block.size for block in SequenceMatcher(None, source, rewrite, autojunk=False).get_matching_blocks()
    )
    return Verdict((*absent, *lost), tuple(added), 1 - same / max(len(source), 1))


def _marks(text: str) -> Counter[str]:
    """Numbers, each with what is behind it, times, negations, modal and Latin words, with their counts."""
    found: Counter[str] = Counter()
    text = text.translate(_HALF)
    plain = _IDIOMS.sub("，", text)
    for kind, pattern in _PATTERNS.items():
        found.update(re.findall(pattern, text if kind == "modal" else plain))
    return found


def verdicts(texts: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]) -> dict[str, list[Verdict]]:
    """The verdict on every candidate, by the id of its row; no candidates, no verdicts."""
    by_id = {str(row["id"]): row for row in texts}
    return {
        record["id"]: [
            compared(by_id[record["id"]]["text"], one["text"], by_id[record["id"]].get("facts", ()))
            for one in record["candidates"]
        ]
        for record in records
    }


def summary(found: dict[str, list[Verdict]], least: float = 0.15) -> dict[str, float]:
    """Rows, those with a candidate, those whose first one kept the facts, and changed at least so much."""
    firsts = [verdicts[0] for verdicts in found.values() if verdicts]
    kept = [one for one in firsts if one.kept]
    return {
        "rows": len(found),
        "rewritten": len(firsts),
        "facts kept": len(kept),
        "kept and changed": sum(one.changed >= least for one in kept),
        "mean change": sum(one.changed for one in firsts) / max(len(firsts), 1),
    }


def main() -> None:
    texts, records = (
        [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines() if line.strip()]
        for name in sys.argv[1:3]
    )
    found = verdicts(texts, records)
    for record in records:
        for candidate, verdict in zip(record["candidates"], found[record["id"]], strict=True):
            if not verdict.kept:
                told = [f"lost {'、'.join(verdict.lost)}"] * bool(verdict.lost)
                told += [f"added {'、'.join(verdict.added)}"] * bool(verdict.added)
                print(f"{record['id']}\t{candidate['text']}\t{'; '.join(told)}")
    for name, value in summary(found).items():
        print(f"{name}: {value:.3g}")


if __name__ == "__main__":
    main()
