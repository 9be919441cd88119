"""What a tokenizer is trained on: the alphabet, the words and the sentences of texts."""

from __future__ import annotations

from textgen.tokenizers.corpus_sample import Sentences, Words, choose_alphabet


def test_the_alphabet_is_the_same_for_equal_counts() -> None:
    assert choose_alphabet({"丙": 1, "乙": 1, "甲": 2, "\n": 9}, 3, 1) == ["甲", "丙", " "]
    assert choose_alphabet({" ": 9, "甲": 2, "\ud800": 9}, 3, 1) == [" ", "甲"]


def test_words_are_forgotten_from_the_rarest() -> None:
    words = Words(limit=4)
    for text in ("a, a, a", "b, b", "c, d", "e, a"):
        words.add(text)
    assert list(words.units(list("abcde"))) == [("a", 4), ("b", 2)]


def test_a_space_belongs_to_a_word_inside_a_phrase_only() -> None:
    words = Words()
    words.add("在 Red Hat 里 Hat é" + "x" * 40)
    assert dict(words.units(list("RedHatéx"))) == {
        "Red": 1,
        " Hat": 1,
        "Hat": 1,
        " é" + "x" * 31: 1,
        "x" * 9: 1,
    }
    assert [word for word, _ in words.units(list("Hat"))] == [" Hat", "Hat"]


def test_sentences_are_drawn_evenly_and_by_the_seed() -> None:
    def drawn(seed: int) -> list[str]:
        sample = Sentences(100, seed)
        for start in range(0, 1000, 50):
            sample.add("\n".join(f"{number}。" for number in range(start, start + 50)))
        return [sentence for sentence, _ in sample.units(list("0123456789。"))]

    assert len(set(drawn(0))) == 100
    assert drawn(0) == drawn(0) != drawn(1)
    late = sum(int(sentence[:-1]) >= 500 for seed in range(20) for sentence in drawn(seed))
    assert 900 < late < 1100


def test_sentences_are_cut_where_they_leave_the_alphabet() -> None:
    sample = Sentences(10, 0)
    sample.add("甲乙龘丙\t丁。甲\n\n！")
    assert [part for part, _ in sample.units(list("甲乙丙丁。！"))] == ["甲乙", "丙", "丁。", "甲", "！"]
