"""Intervals of shares."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054
"""Quantile 0.975 of the standard normal."""


def wilson(correct: ArrayLike, asked: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals of shares (Wilson, 1927): lower and upper ends, in the shape of the inputs. Unlike the normal
    approximation they stay within 0 and 1 and mean something at 0 correct; nothing asked gives 0 to 1."""
    k, n = np.asarray(correct, dtype=np.float64), np.asarray(asked, dtype=np.float64)
    share = np.divide(k, n, out=np.full_like(n, 0.5), where=n > 0)
    spread = Z_95**2 / np.maximum(n, 1)
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * np.sqrt(share * (1 - share) / np.maximum(n, 1) + spread / (4 * np.maximum(n, 1)))
    return np.where(n > 0, np.maximum(centre - half, 0), 0.0), np.where(n > 0, np.minimum(centre + half, 1), 1.0)
