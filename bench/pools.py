"""Time the pools of this review against PyMARE and R metafor: same data, same numbers, one run.

Run by ``make bench``. Without Rscript and metafor only PyMARE is compared. R's own start is not counted.
Each time is the best of three (R and PyMARE one by one: of one). Exit code 1 if a result differs or an aim is missed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymare import Dataset
from pymare.estimators import VarianceBasedLikelihoodEstimator

from livingreview.statistics.estimators import fit, fit_many, leave_one_out

Pools = list[tuple[NDArray[np.float64], NDArray[np.float64]]]

AIMS = {"1,000 pools of 3 to 12": 10.0, "one pool of 2,000": 10.0}
"""How many times faster than metafor."""

R_SCRIPT = """
suppressMessages(library(metafor)); options(digits = 12)
d <- read.csv(commandArgs(TRUE)[1]); jobs <- split(d, d$pool)
one <- function(p) { f <- tryCatch(rma(yi, vi, data = p, test = "knha"),
                                   error = function(e) rma(yi, vi, data = p, test = "knha", control = list(stepadj = .5, maxiter = 1e4)))
                     predict(f); tryCatch(confint(f), error = function(e) NULL); f }
time <- function(run) { s <- proc.time()[[3]]; r <- run(); c(proc.time()[[3]] - s, r) }
small <- jobs[as.integer(names(jobs)) < 1000]
cat("1,000 pools of 3 to 12", time(function() sum(sapply(small, function(p) one(p)$b))), sep = "\\t"); cat("\\n")
loo <- function() sum(leave1out(rma(yi, vi, data = jobs[["1000"]], test = "knha"))$estimate)
cat("leave-one-out of 200", time(loo), sep = "\\t"); cat("\\n")
cat("one pool of 2,000", time(function() one(jobs[["1001"]])$b[1]), sep = "\\t"); cat("\\n")
"""


def data() -> Pools:
    """1,000 pools of 3 to 12 studies, one of 200, one of 2,000; log odds ratios with moderate heterogeneity."""
    chance = np.random.default_rng(20261122)
    sizes = [*chance.integers(3, 13, 1000).tolist(), 200, 2000]
    variances = [chance.uniform(0.01, 0.5, k) for k in sizes]
    return [(chance.normal(0.3, np.sqrt(v + 0.1)), v) for v in variances]


def timed(run: Callable[[], float], times: int = 3) -> tuple[float, float]:
    """Best seconds of several runs, and the number that says what was computed."""
    best, number = float("inf"), float("nan")
    for _ in range(times):
        start = time.perf_counter()
        number = run()
        best = min(best, time.perf_counter() - start)
    return best, number


def ours(pools: Pools) -> dict[str, tuple[float, float]]:
    """Seconds and sums of means by job; every fit has interval, I2, Q-profile and prediction interval."""
    small = [y for y, _ in pools[:1000]], [v for _, v in pools[:1000]]
    return {
        "1,000 pools of 3 to 12": timed(lambda: sum(f.estimate for f in fit_many(*small, test="hk"))),
        "leave-one-out of 200": timed(lambda: sum(f.estimate for f in leave_one_out(*pools[1000], test="hk"))),
        "one pool of 2,000": timed(lambda: fit(*pools[1001], test="hk").estimate),
    }


def pymare(pools: Pools) -> dict[str, tuple[float, float]]:
    """The same with PyMARE, one pool after the other (it gives no prediction interval)."""

    def one(y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
        model = VarianceBasedLikelihoodEstimator("reml", small_sample_correction="knapp-hartung", xtol=1e-10)
        result = model.fit_dataset(Dataset(y=y, v=v)).summary()
        result.get_re_stats(method="QP")
        result.get_heterogeneity_stats()
        return float(result.get_fe_stats()["est"].item())

    y, v = pools[1000]
    return {
        "1,000 pools of 3 to 12": timed(lambda: sum(one(*pool) for pool in pools[:1000]), 1),
        "leave-one-out of 200": timed(lambda: sum(one(np.delete(y, i), np.delete(v, i)) for i in range(len(y))), 1),
        "one pool of 2,000": timed(lambda: one(*pools[1001])),
    }


def metafor(pools: Pools) -> dict[str, tuple[float, float]]:
    """The same with R metafor, timed inside R; empty without it."""
    rscript = shutil.which("Rscript")
    if not rscript:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder, "pools.csv"), Path(folder, "pools.R")
        lines = [f"{i},{y!r},{v!r}" for i, pool in enumerate(pools) for y, v in zip(*(a.tolist() for a in pool), strict=True)]
        table.write_text("pool,yi,vi\n" + "\n".join(lines) + "\n")
        script.write_text(R_SCRIPT)
        done = subprocess.run([rscript, str(script), str(table)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        print(f"R metafor is not compared: {done.stderr.strip().splitlines()[-1]}")
        return {}
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {name: (float(seconds), float(number)) for name, seconds, number in rows}


def main() -> int:
    """Print the table of times and ratios; 1 if numbers differ or an aim is missed."""
    warnings.simplefilter("ignore")
    pools = data()
    mine = ours(pools)
    others = {"PyMARE": pymare(pools), "metafor": metafor(pools)}
    failed = 0
    print(f"{'job':<24} {'seconds':>9}" + "".join(f" {name:>9} {'ratio':>7}" for name, found in others.items() if found))
    for job, (seconds, number) in mine.items():
        line = f"{job:<24} {seconds:>9.4f}"
        for name, found in others.items():
            if not found:
                continue
            ratio = found[job][0] / seconds
            line += f" {found[job][0]:>9.4f} {ratio:>6.1f}x"
            if abs(found[job][1] - number) > 1e-4 * abs(number):
                line, failed = f"{line}  differs from {name}: {number} is not {found[job][1]}", 1
            if name == "metafor" and ratio < AIMS.get(job, 0):
                line, failed = f"{line}  below the aim of {AIMS[job]:.0f}x", 1
        print(line)
    return failed


if __name__ == "__main__":
    sys.exit(main())
