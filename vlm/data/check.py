"""A look at everything that a plan would read, that writes nothing: `vlm prepare --check`."""

import dataclasses
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from vlm.data.accounts import facts_of, tallies_of
from vlm.data.manifest import SetFacts
from vlm.data.picture_check import REASONS
from vlm.data.plan import Plan, job_of, survey
from vlm.data.workers import make_parts, processes


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found."""

    sets: dict[str, SetFacts]
    wrong: dict[str, str]
    """Data sets that cannot be read, and why."""
    unchecked: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is broken or missing. What is merely not wanted is no fault."""
        counts = [counts for facts in self.sets.values() for counts in facts.splits.values()]
        broken = any(one.skipped or not one.dropped.keys().isdisjoint(REASONS.values()) for one in counts)
        return not self.wrong and not broken


def check(plan: Plan, root: Path, workers: int = 1) -> Checked:
    """Reads all records, and decodes all pictures that they name.

    Raises:
        ConfigError: there is no such folder, or too many records of a data set are broken.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = dataclasses.replace(job_of(plan, root, Path(folder)), keeps_samples=False)
        found = survey(plan, job)
        with processes(workers) as pool:
            make_parts(job, found.work, pool)
        tallies = tallies_of(job, found.work)
    return Checked(
        sets=facts_of([one for one in plan.entries if (one.data_set, one.split) in tallies], tallies, Counter()),
        wrong=found.wrong,
        unchecked=job.contamination.unchecked if job.contamination else (),
    )
