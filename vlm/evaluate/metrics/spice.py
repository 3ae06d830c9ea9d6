"""SPICE 1.0 (Anderson et al., 2016) of captions, by its Java program in pycocoevalcap: the mean over captions of the
F-scores of what they say against what all references of the picture say.

The program parses sentences with Stanford CoreNLP 3.6.0, whose models are half a gigabyte and no part of pycocoevalcap:
that tool downloads them when it is first used, and nothing is downloaded here. It writes its results by the JavaScript
engine that Java had until version 14. It reads and writes JSON:

    [{"image_id": 0, "test": "a red star", "refs": ["there is a star", ...]}, ...]
    [{"image_id": 0, "scores": {"All": {"f": 0.4, "pr": ..., "re": ..., ...}}}, ...]

References are parsed anew each time: the tool can remember them, in a folder of the installed package, by a library
that later versions of Java refuse.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from vlm.evaluate.metrics.java import NEEDED, java_version, run_java, tool_folder
from vlm.evaluate.metrics.metric import MeasureError, mean_of
from vlm.evaluate.metrics.wording import worded

MEMORY = "8G"
LAST_JAVA = 14
"""The last version of Java with a JavaScript engine."""
PARSER = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
SOURCE = "http://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"


def spice(captions: Sequence[str | None], references: Sequence[Sequence[str | None]]) -> list[float]:
    """The F-score of each caption.

    Raises:
        MeasureError: the program failed, or did not score every caption.
    """
    asked = [
        {"image_id": number, "test": caption, "refs": some}
        for number, (caption, some) in enumerate(zip(*worded(captions, references), strict=True))
    ]
    if not asked:
        return []
    jar = tool_folder("spice") / "spice-1.0.jar"
    with TemporaryDirectory() as folder:
        given, written = Path(folder, "captions.json"), Path(folder, "scores.json")
        given.write_text(json.dumps(asked))
        run_java("SPICE", jar, MEMORY, [str(given), "-out", str(written), "-silent"])
        if not written.is_file():
            raise MeasureError(f"the Java program of SPICE wrote no scores: see what {jar} does here.")
        try:
            scores = {one["image_id"]: float(one["scores"]["All"]["f"]) for one in json.loads(written.read_text())}
        except (ValueError, KeyError, TypeError) as error:
            raise MeasureError(f"the Java program of SPICE wrote something else than scores: {error!r}.") from error
    missing = len(asked) - len(scores)
    if missing:
        raise MeasureError(f"the Java program of SPICE left {missing} of {len(asked)} captions without a score.")
    return [scores[number] for number in range(len(asked))]


def lacking() -> str:
    """What SPICE needs that is not here, as a sentence."""
    version, library = java_version(), tool_folder("spice") / "lib"
    if version is None:
        return f"SPICE {NEEDED}"
    if version > LAST_JAVA:
        return f"SPICE needs a Java of version 8 to {LAST_JAVA}, and this is {version}: put one first on the PATH."
    absent = [name for name in PARSER if not (library / name).is_file()]
    if absent:
        return f"SPICE needs {' and '.join(absent)} in {library}: take them from {SOURCE}."
    return ""


SPICE = mean_of("SPICE", spice, lacking=lacking)
