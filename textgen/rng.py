"""Random numbers by counter: what a row draws depends on the row alone.

A draw is a hash of (seed, row, candidate, step), so there is no generator whose state would depend on
what else is in the batch, on its order, or on what was done before an interruption. Nothing here touches
the random state of torch, numpy or the standard library.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

KEY_BYTES = 16


def fresh_seed() -> int:
    """A new seed from the operating system, in [0, 2**31)."""
    return secrets.randbits(31)


def row_key(seed: int, text: str, *, id: str | None = None, keywords: Sequence[str] = ()) -> bytes:
    """The key of a row's random numbers.

    Args:
        seed: The run's seed.
        text: The row's text; used only when there is no explicit id.
        id: The row's explicit id, if it has one. Line numbers and file names are not ids.
        keywords: The row's keywords; like the text.

    Returns:
        16 bytes. Rows with the same text, the same keywords and no id share them.
    """
    parts = ["id", id] if id is not None else ["text", text, *keywords]
    digest = blake2b(str(seed).encode(), digest_size=KEY_BYTES)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<Q", len(encoded)) + encoded)
    return digest.digest()


def chunk_key(key: bytes, chunk: int) -> bytes:
    """The key of a row's n-th chunk: that of the row for the first, so that short rows have one key."""
    return blake2b(struct.pack("<Q", chunk), digest_size=KEY_BYTES, key=key).digest() if chunk else key


def uniform(key: bytes, candidate: int, step: int, draw: int = 0) -> float:
    """One number, uniform on [0, 1) with 53 bits, a pure function of its arguments.

    Args:
        key: From `row_key`.
        candidate: Which of the row's candidates (or chains).
        step: Which step of it.
        draw: Which of the step's draws.
    """
    counter = struct.pack("<QQQ", candidate, step, draw)
    word = int.from_bytes(blake2b(counter, digest_size=8, key=key).digest(), "little")
    return (word >> 11) * 2.0**-53


@dataclass(frozen=True)
class Draws:
    """The random numbers of texts that are written side by side.

    Attributes:
        keys: One a source, from `row_key`.
        copies: Texts of a source; text `source * copies + c` is its c-th.
        first_candidate: The candidate number of each source's first text.
    """

    keys: Sequence[bytes]
    copies: int = 1
    first_candidate: int = 0

    def uniforms(self, numbers: Sequence[int], step: int) -> list[float]:
        """One number each for some of the texts, in a step; see `uniform`."""
        places = [divmod(number, self.copies) for number in numbers]
        return [uniform(self.keys[source], self.first_candidate + copy, step) for source, copy in places]
