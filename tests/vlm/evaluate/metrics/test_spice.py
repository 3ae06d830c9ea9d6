"""SPICE by a program that stands in for Java: the parser that SPICE needs is half a gigabyte, and no part of the tool.

What stands in reads what SPICE would read and writes what SPICE would write, so these tests hold the way there and back
and every sentence on what is lacking, not what SPICE finds in captions.
"""

import pytest

from training.config import ConfigError
from vlm.evaluate.metrics import spice as module
from vlm.evaluate.metrics.spice import SPICE, lacking, spice

WRITES = """
arguments = sys.argv[1:]
assert arguments[:3] == ['-Xmx8G', '-jar', 'spice-1.0.jar'] and os.path.exists(arguments[2]), arguments
asked = json.load(open(arguments[3]))
rates = {one['image_id']: len(one['test'].split()) / 10 + len(one['refs']) / 100 for one in reversed(asked)}
scores = [{'image_id': image, 'scores': {'All': {'f': rate}}} for image, rate in rates.items()]
json.dump(scores, open(arguments[arguments.index('-out') + 1], 'w'))
"""


def test_scores_come_back_in_the_order_of_captions_and_their_mean_is_the_measure(stand_in_java):
    stand_in_java(WRITES)
    said, true = ["A dog.", "", None, "Two bl\u00e9 dogs"], [("a", "b"), ("a",), ("a",), ("a",)]
    assert spice(said, true) == pytest.approx([0.22, 0.01, 0.01, 0.31])
    assert float(SPICE.of(SPICE.parts(said, true).sum(axis=0))) == pytest.approx(0.1375)


def test_a_benchmark_without_captions_starts_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert spice([], []) == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("sys.exit('Error: Could not score batched file input:')", "SPICE failed with code 1 .Error: Could not score"),
        ("", "SPICE wrote no scores"),
        (WRITES.replace("reversed(asked)", "asked[1:]"), "left 1 of 2 captions without a score"),
        (WRITES.replace("json.dump(scores, ", "print('{', file="), "SPICE wrote something else than scores"),
    ],
)
def test_a_program_that_does_not_do_its_work_ends_in_a_sentence(stand_in_java, body, sentence):
    stand_in_java(body)
    with pytest.raises(ConfigError, match=sentence):
        spice(["a dog", "a cat"], [("a dog",)] * 2)


def test_what_is_lacking_is_said_one_after_the_other(stand_in_java, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "tool_folder", lambda _: tmp_path)
    (tmp_path / "lib").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lacking().startswith("SPICE needs Java, and there is no java on the PATH")
    stand_in_java("", version="17.0.15")
    assert lacking() == "SPICE needs a Java of version 8 to 14, and this is 17: put one first on the PATH."
    stand_in_java("", version="1.8.0_292")
    assert f"stanford-corenlp-3.6.0.jar and stanford-corenlp-3.6.0-models.jar in {tmp_path / 'lib'}" in lacking()
    (tmp_path / "lib" / "stanford-corenlp-3.6.0.jar").touch()
    assert lacking().startswith(f"SPICE needs stanford-corenlp-3.6.0-models.jar in {tmp_path / 'lib'}: take")
    (tmp_path / "lib" / "stanford-corenlp-3.6.0-models.jar").touch()
    assert lacking() == ""
