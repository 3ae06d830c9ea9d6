"""METEOR is what its Java program gives, for the benchmark and for any part; where Java fails, a sentence says so."""

import os
import shutil

import numpy as np
import pytest
from said_captions import said_captions

from training.config import ConfigError
from vlm.evaluate.metrics import meteor
from vlm.evaluate.metrics.meteor import METEOR, lacking, statistics

needs_java = pytest.mark.skipif(not shutil.which("java"), reason="METEOR needs Java")


@pytest.fixture(scope="module")
def program():
    """The official tool's wrapper of the program."""
    from pycocoevalcap.meteor.meteor import Meteor

    return Meteor()


def asked(program, line):
    """What the program writes to a line."""
    program.meteor_p.stdin.write(f"{line}\n".encode())
    program.meteor_p.stdin.flush()
    return program.meteor_p.stdout.readline().decode().strip()


def judged(program, lines):
    """What the program makes of the sums of what it wrote."""
    asked(program, " ||| ".join(["EVAL", *lines]))
    rest = [float(program.meteor_p.stdout.readline()) for _ in lines]
    return rest[-1]


@pytest.fixture(scope="module")
def parts(official):
    return METEOR.parts(official.captions, official.references)


@needs_java
def test_it_equals_the_official_tool_with_its_java_tokenizer(official, program, parts):
    whole, each = program.compute_score(official.true, official.said)
    assert float(METEOR.of(parts.sum(axis=0))) == pytest.approx(whole, abs=1e-6)
    assert METEOR.of(parts) == pytest.approx(each, abs=1e-9)
    assert 0.1 < whole < 0.9


@needs_java
def test_sums_over_a_part_or_a_resample_are_judged_as_the_program_judges_its_captions(official, program, parts):
    lines = [program._stat(official.said[n][0], official.true[n]) for n in range(300)]
    generator = np.random.default_rng(0)
    for number in (1, 2, 3, 10, 100, 1000):
        drawn = generator.integers(len(lines), size=number)
        theirs = judged(program, [lines[n] for n in drawn])
        assert float(METEOR.of(parts[drawn].sum(axis=0))) == pytest.approx(theirs, abs=1e-9)
    assert METEOR.of(parts[:300].reshape(3, 100, 23)).shape == (3, 100)


@needs_java
@pytest.mark.slow
def test_programs_side_by_side_give_the_same_in_the_same_order(official, parts, monkeypatch):
    monkeypatch.setattr(meteor, "WORTH_A_START", 500)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert (METEOR.parts(official.captions, official.references) == parts).all()


@needs_java
@pytest.mark.parametrize(
    ("caption", "reference"),
    [
        ("a man ||| on a horse", "a man on a horse"),
        ("a man on\na\rhorse", "a man ||| on a horse"),
        ("||||||a", "a |||"),
    ],
)
def test_bars_and_line_ends_in_texts_leave_lines_and_references_whole(program, caption, reference):
    line = meteor._line(caption, [reference, "a dog"])
    assert line.count("\n") == 1 and line.endswith("\n")
    found = asked(program, line.rstrip())
    assert judged(program, [found]) == 1
    assert found.split()[0] == found.split()[1]


def test_a_benchmark_without_captions_has_no_meteor():
    assert METEOR.of(METEOR.parts([], []).sum(axis=0)) == 0


def test_texts_without_words_score_nothing():
    assert METEOR.of(np.zeros(23)) == 0


def test_where_there_is_no_java_a_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lacking() == (
        "METEOR needs Java, and there is no java on the PATH that runs: "
        "install a Java runtime, such as default-jre-headless."
    )


def test_a_java_that_does_not_run_is_none(stand_in_java):
    stand_in_java("", version="8").write_text("#!/bin/sh\nexit 1\n")
    assert lacking().startswith("METEOR needs Java")


def test_a_java_that_runs_is_enough(stand_in_java):
    stand_in_java("", version="1.8.0_292")
    assert lacking() == ""


def test_a_java_that_dies_in_the_middle_ends_in_a_sentence(stand_in_java):
    stand_in_java("sys.stdin.readline(); print('1.0 ' * 23); sys.exit('java.lang.OutOfMemoryError: Java heap space')")
    with pytest.raises(ConfigError, match=r"METEOR failed with code 1 \(java.lang.OutOfMemoryError: Java heap space\)"):
        statistics(["a dog"] * 3, [("a dog",)] * 3)


def test_where_one_program_fails_the_others_are_ended(stand_in_java, monkeypatch, tmp_path):
    monkeypatch.setattr(meteor, "WORTH_A_START", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    both_begun, endless, begun = (tmp_path / name for name in ("both-begun", "endless", "begun"))
    os.mkfifo(both_begun)
    os.mkfifo(endless)
    begun.mkdir()
    # A FIFO opens when it has a reader and a writer. The one about a cat fails then; what the other reads ends with
    # this test, which has it open, at the latest.
    stand_in_java(
        f"open(f'{begun}/{{os.getpid()}}', 'w').close()\n"
        f"fails = 'cat' in sys.stdin.read()\n"
        f"open({str(both_begun)!r}, 'r' if fails else 'w').close()\n"
        f"sys.exit('dead') if fails else open({str(endless)!r}).read()"
    )
    held = os.open(endless, os.O_RDWR)
    try:
        with pytest.raises(ConfigError, match=r"failed with code 1 \(dead\)"):
            statistics(["a cat", "a dog"], [("a dog",)] * 2)
        programs = [int(one.name) for one in begun.iterdir()]
        assert len(programs) == 2
        for program in programs:
            with pytest.raises(ProcessLookupError):
                os.kill(program, 0)
    finally:
        os.close(held)


@pytest.mark.parametrize("body", ["", "print('1.0 ' * 23)", "[print('Error: no line') for _ in range(2)]"])
def test_lines_that_are_missing_or_say_something_else_end_in_a_sentence(stand_in_java, body):
    stand_in_java(body)
    with pytest.raises(ConfigError, match=r"METEOR wrote \d lines for 2 captions"):
        statistics(["a dog"] * 2, [("a dog",)] * 2)


def test_many_lines_do_not_fill_a_pipe(stand_in_java):
    stand_in_java("for line in sys.stdin: print('1.0 ' * 23, flush=True); print('x' * 100, file=sys.stderr)")
    said, true = said_captions(2000, seed=1)
    assert statistics(said, true).shape == (2000, 23)
