"""A rate that is measured for some seconds, however fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable


def rate(
    run: Callable[[int], float], most: int, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Measure units a second.

    The first run is of size 1: it warms up, and tells how large the others may be. If it takes all the time,
    it is the measurement.

    Args:
        run: Does some work of a size, and returns how many units that was.
        most: The largest size.
        seconds: About how long to measure.
        clock: The time in seconds.
    """

    def timed(size: int) -> tuple[float, float]:
        began = clock()
        units = run(size)
        return units, clock() - began

    end = clock() + seconds
    units, took = timed(1)
    if took >= seconds / 2:
        return units / took
    fits = int((seconds - took) / max(took, seconds / most))
    done = [timed(max(1, min(most, fits)))]
    while clock() + done[-1][1] <= end:
        done.append(timed(max(1, min(most, fits))))
    return sum(units for units, _ in done) / sum(took for _, took in done)
