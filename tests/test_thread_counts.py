"""The number of threads: what a process may use by its processors, its control groups and its environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import textgen
from textgen import compute
from textgen.compute import cores, quota, share, threads
from textgen.errors import UsageError

Tree = Callable[..., Path]


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Eight processors, no variable; what torch takes is put back."""
    monkeypatch.setattr(compute, "processors", lambda: 8)
    monkeypatch.delenv("TEXTGEN_THREADS", raising=False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Makes the root of a file system: the groups of the process, and files under sys/fs/cgroup."""

    def make(groups: str, **files: str) -> Path:
        for name, content in ({"proc/self/cgroup": groups} | files).items():
            path = tmp_path / (name if name.startswith("proc") else f"sys/fs/cgroup/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content + "\n", encoding="utf-8")
        return tmp_path

    return make


def v1(folder: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": str(quota), f"{folder}/cpu.cfs_period_us": str(period)}


@pytest.mark.parametrize(
    ("content", "limit", "count"),
    [
        ("200000 100000", 2.0, 2),
        ("150000 100000", 1.5, 2),
        ("10000 100000", 0.1, 1),
        ("25000 50000", 0.5, 1),
        ("3200000 100000", 32.0, 8),
        ("max 100000", None, 8),
        ("200000", None, 8),
        ("", None, 8),
        ("many 100000", None, 8),
        ("200000 0", None, 8),
    ],
)
def test_a_quota_of_version_2_is_rounded_up(
    tree: Tree, content: str, limit: float | None, count: int
) -> None:
    root = tree("0::/job", **{"job/cpu.max": content})
    assert quota(root) == limit
    assert cores(root) == count


@pytest.mark.parametrize(("given", "limit"), [(250_000, 2.5), (-1, None), (0, None)])
@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_a_quota_of_version_1_is_that_of_the_controller_cpu(
    tree: Tree, given: int, limit: float | None, folder: str
) -> None:
    names = "4:memory:/other\n3:cpuset:/other\n2:cpu,cpuacct:/job\n1:name=systemd:/job"
    root = tree(names, **v1(f"{folder}/job", given), **v1("cpuset/other", 100_000))
    assert quota(root) == limit


def test_the_narrowest_of_a_group_and_those_around_it_counts(tree: Tree) -> None:
    inner = {"a/b/cpu.max": "600000 100000", "a/cpu.max": "300000 100000", "cpu.max": "max 100000"}
    assert quota(tree("0::/a/b", **inner, **{"c/cpu.max": "100000 100000"})) == 3.0


def test_of_both_versions_the_narrower_counts(tree: Tree) -> None:
    files = {"unified/a/cpu.max": "400000 100000"} | v1("cpu/a", 200_000)
    assert quota(tree("1:cpu:/a\n0::/a", **files)) == 2.0


@pytest.mark.parametrize("group", ["/docker/0ab1/x", "/../../other", "/"])
def test_in_a_container_the_root_of_what_is_mounted_is_its_group(tree: Tree, group: str) -> None:
    assert quota(tree(f"0::{group}", **{"cpu.max": "200000 100000"})) == 2.0


@pytest.mark.parametrize("groups", ["", "0::", "x", "::::", "\x00", "0::/gone"])
def test_where_nothing_is_told_nothing_is_limited(tree: Tree, groups: str) -> None:
    assert quota(tree(groups)) is None


def test_where_there_are_no_groups_nothing_is_limited(tmp_path: Path) -> None:
    assert quota(tmp_path) is None
    assert cores(tmp_path) == 8


def test_the_share_says_why(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = share(8, tmp_path / "free")
    assert (free.threads, free.reason) == (8, "the processors that this process may run on")
    root = tree("0::/", **{"cpu.max": "250000 100000"})
    limited = share(8, root)
    assert (limited.threads, limited.reason) == (3, "the control group has 2.5 of 8 processors")
    assert share(2, root).threads == 2
    assert "OMP_NUM_THREADS" in share(2, root).reason
    monkeypatch.setenv("TEXTGEN_THREADS", "6")
    assert (share(2, root).threads, share(2, root).reason) == (6, "TEXTGEN_THREADS is 6")
    monkeypatch.setenv("TEXTGEN_THREADS", "600")
    assert share(2, root).threads == 8


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5", "１", "²"])
def test_a_variable_without_a_number_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TEXTGEN_THREADS", given)
    with pytest.raises(UsageError, match="TEXTGEN_THREADS is ") as caught, threads(None):
        pass
    assert caught.value.hint == "the environment variable is a number of threads, 1 or more"
    with threads(3):  # the option wins
        assert torch.get_num_threads() == 3


def test_threads_are_those_of_the_option_else_of_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "quota", lambda root: 1.5)
    torch.set_num_threads(4)
    with threads(None):
        assert torch.get_num_threads() == 2
        with threads(5):
            assert torch.get_num_threads() == 5
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 4
    torch.set_num_threads(1)
    with threads(None):
        assert torch.get_num_threads() == 1, "fewer than it may are left alone"
    monkeypatch.setenv("TEXTGEN_THREADS", "3")
    with threads(None):
        assert torch.get_num_threads() == 3


def test_a_loaded_model_computes_with_its_threads_and_leaves_the_others(small_as_shipped: Path) -> None:
    torch.set_num_threads(1)
    seen = []
    model = textgen.load("gpt2", threads=3)
    step = model.network.step

    def counted(*args: Any) -> Any:
        seen.append(torch.get_num_threads())
        return step(*args)

    model.network.step = counted
    options: dict[str, Any] = {"seed": 1, "max_new_tokens": 4, "end_at": "any"}
    whole = model.generate("春天", **options)[0].candidates[0].text
    assert set(seen) == {3}
    assert torch.get_num_threads() == 1
    seen.clear()
    parts = []
    for part in model.stream("春天", **options):
        assert torch.get_num_threads() == 1, "whoever takes the parts has threads of their own"
        parts.append(part)
    assert set(seen) == {3}
    assert "春天" + "".join(parts) == whole


@pytest.mark.parametrize("given", [0, -2, 1.5, "2"])
def test_a_number_of_threads_that_is_none_is_refused(given: object) -> None:
    with pytest.raises(UsageError, match="threads"):
        textgen.load("gpt2", threads=given)  # type: ignore[arg-type]
