"""What can be chosen of the way from records to samples."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class How:
    """How samples are made of records: the same for all data sets of a mixture."""

    seed: int = 0
    """Of everything that is drawn."""
    as_published: bool = False
    """As the public implementation does where it is known to be wrong (reference-facts, 8 D)."""
    all_of_gqa: bool = False
    """All questions of GQA, not its balanced ones."""
    grit_rarest: int = 3
    """Pictures that a noun phrase of GRIT needs so that it counts."""
    grit_most: int = 8
    """Pictures that are drawn for a noun phrase of GRIT that has more."""
