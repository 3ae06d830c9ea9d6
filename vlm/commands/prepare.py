"""`vlm prepare` and `vlm doctor`: data sets made ready to train on, and looked through."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from training.config import ConfigError, require
from vlm.commands.app import app
from vlm.commands.interruption import to_its_end
from vlm.sample import Sample

if TYPE_CHECKING:
    from vlm.samples import Samples

Value = TypeVar("Value")


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
    listed: Annotated[bool, typer.Option("--list", help="List data sets, or the files of MIXTURE.")] = False,
    weight: Annotated[
        list[str] | None, typer.Option(help="NAME=SHARE of a data set's training samples: 0.5, or 2 for twice.")
    ] = None,
    cap: Annotated[list[str] | None, typer.Option(help="NAME=COUNT: most training samples of a data set.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave a data set of the mixture out.")] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="Of one data set: train, validation, test; the first two unless given.")
    ] = None,
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
    from vlm.data.how import How
    from vlm.data.mixtures import entries_of
    from vlm.data.plan import Plan
    from vlm.data.report import print_check, print_data_sets, print_report

    if listed:
        print_data_sets(mixture)
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
                weights=_by_data_set("--weight NAME=SHARE", weight, float),
                caps=_by_data_set("--cap NAME=COUNT", cap, int),
                without=without or (),
                splits=split or (),
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

        with to_its_end("The same command begins anew."):
            found = check_source(plan, root, workers)
        raise typer.Exit(print_check(found))
    if out is None:
        raise ConfigError("name a folder for the samples with --out, or give --check to write nothing.")
    from vlm.data.prepare import prepare as make

    with to_its_end("The same command goes on where it was."):
        manifest = make(plan, root, out, workers)
    print_report(manifest)


@app.command(epilog="`vlm doctor data/instruct --workers 8` · `vlm doctor data/world --json findings.json`")
def doctor(
    data: Annotated[str, typer.Argument(help="Folder of samples, or its URL.", metavar="DIR")],
    root: Annotated[
        Path | None, typer.Option(help="Folder of all data sets, to look for test sets; that of DIR unless given.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all findings to this file, too.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that look at pictures.", min=1)] = 1,
) -> None:
    """Say what is wrong with samples: pictures, boxes, doubles, and what is trained on of test sets.

    Ends with 1 where training would fail, or test sets are trained on.
    """
    import json

    from training.run import require_folder
    from vlm.data.contamination import find
    from vlm.data.doctor import examine
    from vlm.data.findings import print_report, to_json
    from vlm.dataset import damaged, is_prepared, splits_of
    from vlm.places import Place

    if json_file is not None:
        require(not json_file.is_dir(), f"{json_file} is a folder: name a file in it.")
        require_folder(json_file.parent, "the findings")
    require(root is None or root.is_dir(), f"{root} is no folder: name the one that the data sets are in.")
    splits = splits_of(data)
    named = {split: _by_name(samples) for split, samples in splits.items()}
    pictures = next(iter(splits.values())).picture_folder
    if root is None and is_prepared(Place(data)):
        root = pictures
    with to_its_end("The same command begins anew."):
        contamination = find(root) if root is not None else None
        report = examine(named, pictures, contamination, workers)
        for name in damaged(Place(data)):
            report.add("file of samples is not what was written", "", name)
    print_report(report)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(to_json(report), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    raise typer.Exit(1 if report.is_fatal else 0)


def _by_name(samples: "Samples") -> Iterator[Sample]:
    """Samples with their pictures' own names, also where the files of pictures are in theirs."""
    return (dataclasses.replace(one, image=samples.picture_name(one.image)) for one in samples)


def _by_data_set(form: str, given: list[str] | None, kind: Callable[[str], Value]) -> dict[str, Value]:
    """What is given as NAME=VALUE."""
    option, _, pair = form.partition(" ")
    found: dict[str, Value] = {}
    for one in given or ():
        name, _, value = one.rpartition("=")
        require(name not in found, f"{option} is given twice for {name}: say it once.")
        try:
            found[name] = kind(value)
        except ValueError as error:
            raise ConfigError(f"{option} is {pair}, and not {one}.") from error
    return found
