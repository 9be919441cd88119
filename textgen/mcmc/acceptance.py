"""The acceptance of proposals by Metropolis and Hastings.

Metropolis et al. 1953; Hastings 1970, https://doi.org/10.1093/biomet/57.1.97; 苏剑林,
搜出来的文本（二）：从MCMC到模拟退火, https://kexue.fm/archives/8084.
"""

from __future__ import annotations

from math import exp


def accepts(log_ratio: float, uniform: float) -> bool:
    """Accept with probability min(1, exp(log_ratio)).

    Args:
        log_ratio: log of pi(y) q(x|y) / (pi(x) q(y|x)); -inf is never accepted.
        uniform: A number on [0, 1).
    """
    return uniform < exp(min(0.0, log_ratio))
