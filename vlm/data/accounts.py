"""What became of the records of each data set of a plan, put together from its parts."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from vlm.data.manifest import Counts, SetFacts
from vlm.data.mixtures import Entry
from vlm.data.parts import Job, tally_of
from vlm.data.plan import Work
from vlm.data.registry import data_set_named
from vlm.data.tally import Tally
from vlm.sample import Split


def tallies_of(job: Job, work: Sequence[Work]) -> dict[tuple[str, Split], Tally]:
    """The counts of each data set and split, once all parts are whole.

    Raises:
        DataError: too many records are broken.
    """
    tallies: dict[tuple[str, Split], Tally] = {}
    for one in work:
        tally = tally_of(job, one.part)
        assert tally is not None, f"{one.part.name} is whole"
        tallies.setdefault((one.part.data_set, one.part.split), Tally()).add(tally)
    for tally in tallies.values():
        tally.require_few_skipped()
    return tallies


def facts_of(
    entries: Sequence[Entry], tallies: dict[tuple[str, Split], Tally], kept: Counter[tuple[str, str]]
) -> dict[str, SetFacts]:
    """What a manifest says of each data set.

    Args:
        entries: those that were read.
        kept: samples of each data set and split that are in the files.
    """
    facts: dict[str, SetFacts] = {}
    for entry in sorted(entries, key=lambda one: one.into != "train"):
        known, tally = data_set_named(entry.data_set), tallies[entry.data_set, entry.split]
        counts = Counts(
            read=tally.read,
            skipped=tally.skipped,
            samples=sum(tally.samples.values()),
            kept=kept[entry.data_set, entry.split],
            dropped=dict(sorted(tally.dropped.items())),
            changed=dict(sorted(tally.changed.items())),
            named={reason: tuple(examples) for reason, examples in sorted(tally.named.items())},
        )
        its = facts.get(entry.data_set) or SetFacts(
            title=known.title, licence=known.licence, weight=entry.weight, cap=entry.cap, splits={}
        )
        facts[entry.data_set] = dataclasses.replace(its, splits={**its.splits, entry.split: counts})
    return facts
