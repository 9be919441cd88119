"""Random numbers of a run, each a function of the seed and of its purpose.

So what an example draws in an epoch does not depend on its batch, on the number of processes, or on
whether the run was interrupted; and nothing touches global random state.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

import numpy as np


def random_for(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """A generator of its own for a purpose, such as ("replace", epoch, example)."""
    return np.random.Generator(np.random.Philox(key=_word(16, seed, purpose, counters)))


def torch_seed(seed: int, purpose: str, *counters: int) -> int:
    """The seed of a torch generator for a purpose."""
    return _word(8, seed, purpose, counters) >> 1


def _word(size: int, seed: int, purpose: str, counters: tuple[int, ...]) -> int:
    packed = struct.pack(f"<{len(counters) + 1}Q", seed, *counters)
    return int.from_bytes(blake2b(packed, digest_size=size, person=purpose.encode()[:16]).digest(), "little")
