"""What samples and pictures of a folder have in common and should not: the doctor's questions to its database.

The tables are those of `vlm.data.doctor`. Each function adds what it finds to a report.
"""

import sqlite3
from collections import Counter

from vlm.data.findings import EXAMPLES, Report
from vlm.sample import SPLITS

Base = sqlite3.Connection


def same_samples(base: Base, report: Report) -> None:
    """Ids that are not unique, and training samples that differ in their ids alone.

    Not those of test sets, which may hold one another: VQAv2's do.
    """
    for split, source, id, count in base.execute(
        "SELECT split, source, id, count(*) FROM samples GROUP BY source, id, split HAVING count(*) > 1"
    ):
        report.add("id of several samples", source, f"{SPLITS[split]}, {id}: {count} times", count)
    kind = "training samples of the same content"
    base.execute(
        "CREATE TABLE repeated AS SELECT content, min(id) AS first, max(id) AS last, count(*) AS count "
        "FROM samples WHERE split = 0 GROUP BY content HAVING min(id) <> max(id)"
    )
    base.execute("CREATE UNIQUE INDEX repeated_content ON repeated (content)")
    for first, last, count in base.execute(
        "SELECT first, last, count FROM repeated ORDER BY count DESC, first LIMIT ?", (EXAMPLES,)
    ):
        _example(report, kind, f"{count} times: {first}, {last}")
    _count(
        base,
        report,
        kind,
        "SELECT source, count(*) FROM samples CROSS JOIN repeated USING (content) WHERE split = 0 GROUP BY source",
    )


def shared_between_splits(base: Base, report: Report) -> None:
    """Pictures of training that are also in validation or test, by the names that data sets give them."""
    base.execute(
        "CREATE TABLE shared AS SELECT name, max(split = 1) AS validation, max(split = 2) AS test FROM names "
        "GROUP BY name HAVING max(split = 0) AND max(split > 0)"
    )
    base.execute("CREATE UNIQUE INDEX shared_name ON shared (name)")
    for split in ("validation", "test"):
        kind = f"training picture also in {split}"
        joined = (
            "FROM names CROSS JOIN shared ON shared.name = names.name "
            f"JOIN samples ON samples.rowid = names.sample WHERE names.split = 0 AND shared.{split}"
        )
        _count(base, report, kind, f"SELECT source, count(DISTINCT names.sample) {joined} GROUP BY source")
        for id, picture in base.execute(f"SELECT DISTINCT id, picture {joined} LIMIT ?", (EXAMPLES,)):
            _example(report, kind, f"{id}, {picture}")


def same_pictures(base: Base, report: Report) -> None:
    """Files of the same content under several names."""
    base.execute(
        "CREATE TABLE alike AS SELECT content, min(name) AS first, max(name) AS last, count(*) AS count, "
        "max(train) AND max(tested) AS crosses FROM seen JOIN pictures USING (name) "
        "WHERE content IS NOT NULL GROUP BY content HAVING count(*) > 1"
    )
    base.execute("CREATE UNIQUE INDEX alike_content ON alike (content)")
    for kind, which in (
        ("pictures of the same content", ""),
        ("training picture also in validation or test under another name", "WHERE crosses"),
    ):
        for first, last, count in base.execute(
            f"SELECT first, last, count FROM alike {which} ORDER BY count DESC, first LIMIT ?", (EXAMPLES,)
        ):
            _example(report, kind, f"{count} files: {first}, {last}")
        base.execute(f"INSERT INTO marked SELECT name, ? FROM seen CROSS JOIN alike USING (content) {which}", (kind,))


def small_boxes(base: Base, report: Report) -> None:
    """Boxes that hold nothing that could be seen."""
    for source, id, width, height, pixels in base.execute(
        "SELECT source, id, boxes.width, boxes.height, seen.width * seen.height FROM boxes "
        "JOIN samples ON samples.rowid = boxes.sample LEFT JOIN seen ON seen.name = boxes.picture"
    ):
        shares = f"{id}: {width:.2g} x {height:.2g} of its picture"
        if not width * height:
            report.add("box without an area", source, shares)
        elif pixels and width * height * pixels < 1:
            report.add("box smaller than a pixel", source, shares)


def count_marked(base: Base, report: Report) -> None:
    """What was noted of pictures, by the data sets whose samples name them."""
    for kind, count in base.execute("SELECT kind, count(*) FROM marked GROUP BY kind"):
        report.findings[kind].count = count
    for kind, source, count in base.execute(
        "SELECT kind, source, count(DISTINCT name) FROM samples CROSS JOIN marked ON name = picture "
        "GROUP BY kind, source ORDER BY kind, source"
    ):
        report.findings[kind].by_source[source] = count


def _count(base: Base, report: Report, kind: str, by_source: str) -> None:
    finding = report.findings[kind]
    finding.by_source = Counter(dict(base.execute(by_source).fetchall()))
    finding.count = finding.by_source.total()


def _example(report: Report, kind: str, example: str) -> None:
    finding = report.findings[kind]
    if len(finding.examples) < EXAMPLES:
        finding.examples.append(example)
