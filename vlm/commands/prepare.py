"""`vlm prepare` and `vlm doctor`: data sets made ready to train on, and looked through."""

from pathlib import Path
from typing import Annotated

import typer

from training.config import ConfigError, require
from vlm.commands.app import app


@app.command(
    epilog="`vlm prepare instruct --root /data --out data/instruct --workers 8` · "
    "`vlm prepare vqa_v2 --root /data --out data/vqa_v2` · `vlm prepare instruct --root /data --check`"
)
def prepare(
    mixture: Annotated[
        str | None, typer.Argument(help="align, align-cc3m, instruct, benchmarks, or the name of a data set.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Folder that the data sets' folders are in.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the samples: new, or begun before.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Read everything, say what is wrong, write nothing.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List data sets and mixtures.")] = False,
    weight: Annotated[
        list[str] | None, typer.Option(help="NAME=SHARE of a data set's training samples: 0.5, or 2 for twice.")
    ] = None,
    cap: Annotated[list[str] | None, typer.Option(help="NAME=COUNT: most training samples of a data set.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave a data set of the mixture out.")] = None,
    as_published: Annotated[
        bool, typer.Option("--as-published", help="As the public implementation, where it is known to be wrong.")
    ] = False,
    keep_contaminated: Annotated[
        bool, typer.Option("--keep-contaminated", help="Leave in what occurs in the paper's test sets.")
    ] = False,
    trust_pictures: Annotated[
        bool, typer.Option("--trust-pictures", help="Do not decode each picture to see whether it is sound.")
    ] = False,
    embed: Annotated[bool, typer.Option("--embed", help="Put pictures into the files, for an object store.")] = False,
    all_of_gqa: Annotated[
        bool, typer.Option("--all-of-gqa", help="All questions of GQA, not the balanced ones.")
    ] = False,
    grit_rarest: Annotated[int, typer.Option(help="Pictures a noun phrase of GRIT needs to count.", min=1)] = 3,
    grit_most: Annotated[int, typer.Option(help="Pictures drawn for a noun phrase of GRIT.", min=1)] = 8,
    seed: Annotated[int, typer.Option(help="Of all that is drawn, and of the order.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Make samples of data sets: checked, counted, in a random order, without what occurs in test sets.

    Stopped at any moment, the same command goes on where it was. A folder that is complete is left as it is.
    """
    from vlm.data.mixtures import entries_of
    from vlm.data.plan import Plan
    from vlm.data.report import print_check, print_data_sets, print_report
    from vlm.data.source import How

    if listed:
        print_data_sets()
        return
    if mixture is None:
        raise ConfigError("name what to prepare, such as instruct: `vlm prepare --list` lists all.")
    if root is None:
        raise ConfigError("name the folder that the data sets are in with --root.")
    require(grit_rarest <= grit_most, f"--grit-rarest {grit_rarest} lies above --grit-most {grit_most}: swap them.")
    plan = Plan(
        mixture=mixture,
        entries=tuple(
            entries_of(
                mixture,
                weights={name: float(value) for name, value in _pairs("--weight", weight, float)},
                caps={name: int(value) for name, value in _pairs("--cap", cap, int)},
                without=without or (),
                as_published=as_published,
            )
        ),
        how=How(
            seed=seed,
            as_published=as_published,
            all_of_gqa=all_of_gqa,
            grit_rarest=grit_rarest,
            grit_most=grit_most,
        ),
        checks_pictures=not trust_pictures,
        keeps_contaminated=keep_contaminated or as_published,
        embeds=embed,
    )
    if check:
        from vlm.data.check import check as check_source

        raise typer.Exit(print_check(check_source(plan, root, workers)))
    if out is None:
        raise ConfigError("name a folder for the samples with --out, or give --check to write nothing.")
    from vlm.data.prepare import prepare as make

    print_report(make(plan, root, out, workers))


def _pairs(option: str, given: list[str] | None, kind: type) -> list[tuple[str, str]]:
    pairs = []
    for one in given or ():
        name, _, value = one.rpartition("=")
        try:
            kind(value)
        except ValueError as error:
            raise ConfigError(f"{option} is NAME={'COUNT' if kind is int else 'SHARE'}, and not {one}.") from error
        pairs.append((name, value))
    return pairs
