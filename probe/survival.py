"""Steps to the threshold, over runs of which some never got there: medians by Kaplan and Meier (1958).

A run that has not reached the threshold says that it takes more steps than it was given. Leaving it out would make a
family that often fails look fast, and so would taking its last step for an arrival. It is censored there: it counts
among those still on their way up to that step, and for nothing after it.

    steps        the evaluation at which a run reached the threshold, or the step at which it is censored
    censored     whether it is the second
    median       the first step at which at most half of the runs are still on their way; infinite where more than half
                 are at the end of what was seen
    low, high    its 95 % interval (Brookmeyer and Crowley, 1982): the steps at which one half lies in the pointwise
                 band of the curve, by the log-log transform, which stays within 0 and 1. high is infinite where the
                 band never falls to one half as a whole, which takes seven runs at the least, and low is not a number
                 where no part of it does: one run alone has a median, but no interval.

Steps are those of evaluations, so that a run arrived in the interval that ends at its own.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

HALF = 0.5


@dataclass(frozen=True)
class MedianSteps:
    """What the runs of a group have in common."""

    runs: int
    reached: int
    """Those that are not censored."""
    median: float
    low: float
    high: float


def median_steps(steps: ArrayLike, censored: ArrayLike) -> MedianSteps:
    """The median over runs, one value a run, with its interval."""
    times, lost = np.asarray(steps, dtype=np.float64), np.asarray(censored, dtype=bool)
    reached = int((~lost).sum())
    if reached == 0:  # the curve never falls
        return MedianSteps(len(times), reached, np.inf, np.nan, np.inf)
    curve = stats.ecdf(stats.CensoredData.right_censored(times, lost)).sf
    with warnings.catch_warnings():
        # The band is not defined where all runs are on their way, nor where none is: these steps bound nothing.
        warnings.simplefilter("ignore", RuntimeWarning)
        band = curve.confidence_interval(confidence_level=0.95, method="log-log")
    at = curve.quantiles
    low = _first(at, band.low.probabilities)
    return MedianSteps(
        runs=len(times),
        reached=reached,
        median=_first(at, curve.probabilities),
        low=low if np.isfinite(low) else np.nan,
        high=_first(at, band.high.probabilities),
    )


def steps_or_censored(runs: pd.DataFrame, split: str = "") -> pd.DataFrame:
    """`steps` and `censored` of each run in the first table of `probe.curves`. A run that was given all of its planned
    steps is censored there, any other that has not arrived at the step it has got to.

    Args:
        split: `validation_` for the steps to the threshold on that split.
    """
    arrived = runs[f"{split}steps_to_threshold"]
    # A run that stopped early, at its threshold on the held-out split, may be short of it on another.
    is_over = (runs["state"] == "finished") & runs["steps_to_threshold"].isna()
    got_to = runs["step"].where(~is_over, runs["planned_steps"])
    return pd.DataFrame({"steps": arrived.fillna(got_to), "censored": arrived.isna()})


def medians(runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """A row a group of runs that have `steps` and `censored`: runs, reached, median_steps, median_low, median_high."""
    rows = []
    for key, some in runs.groupby(list(by), sort=False):
        found = median_steps(some["steps"], some["censored"])
        counts = {"runs": found.runs, "reached": found.reached}
        bounds = {"median_steps": found.median, "median_low": found.low, "median_high": found.high}
        rows.append(dict(zip(by, key, strict=True)) | counts | bounds)
    return pd.DataFrame(rows)


def _first(steps: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """The first step at which a share of runs still on their way is at most one half: products of fractions miss it
    by their last digit. What is not a number is not."""
    return float(np.min(steps[shares <= HALF + 1e-12], initial=np.inf))
