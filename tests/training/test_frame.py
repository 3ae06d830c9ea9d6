"""The tidy frame of a sweep: every run is in it, every count, and nothing is made up where something is missing."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from small_runs import as_of_another_version, with_curve

from training.config import ConfigError, Optimisation, flatten, to_dict
from training.frame import MEASURED, tidy
from training.run import Run, run_folders


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """A run of nothing in particular."""

    seed: int = 0
    pool: int | None = None
    optimisation: Optimisation = dataclasses.field(default_factory=Optimisation)


def judged(step, **counts):
    return {"step": step, "examples": 64 * step, "loss": 1.5, "held_out_loss": 1.25, "seconds": 0.5, **counts}


@pytest.fixture
def sweep(tmp_path):
    """Three runs: one judged twice, on validation once; one that has not been judged; one that counts no positions."""
    first, second, third = (Run(tmp_path, Config(seed=seed, pool=9 if seed else None)) for seed in range(3))
    first.start({"device": "cpu", "model": {"family": "mamba", "parameters": 1000, "tied": True}})
    first.append(judged(10, asked=[4, 4, 5], correct=[1, 2, 3]))
    first.append(judged(20, asked=[400, 400, 500], correct=[4, 3, 2], validation_asked=70, validation_correct=35))
    first.set_state("finished")
    second.plan()
    third.start({})
    third.append(judged(10))
    return [run.folder for run in (first, second, third)]


def test_there_is_a_row_for_each_run_evaluation_and_position(sweep):
    frame = tidy(sweep)
    first = frame[frame["run"] == sweep[0].name]
    assert first["step"].tolist() == [10] * 3 + [20] * 3
    assert first["position"].tolist() == [0, 1, 2] * 2
    assert first["asked"].tolist() == [4, 4, 5, 400, 400, 500] and first["correct"].tolist() == [1, 2, 3, 4, 3, 2]
    assert (first["examples"] == 64 * first["step"]).all() and (first["state"] == "finished").all()
    assert (first["loss"] == 1.5).all() and (first["held_out_loss"] == 1.25).all() and (first["seconds"] == 0.5).all()
    assert (first["ran_with.model.family"] == "mamba").all() and (first["ran_with.model.parameters"] == 1000).all()


def test_totals_that_a_record_does_not_have_are_missing_and_not_zero(sweep):
    first = tidy(sweep[:1])
    assert first["validation_asked"].isna().tolist() == [True] * 3 + [False] * 3
    assert first["validation_correct"].dropna().tolist() == [35] * 3


def test_no_run_disappears_whatever_it_lacks(sweep):
    frame = tidy(sweep)
    assert frame["run"].unique().tolist() == [folder.name for folder in sweep]
    _, planned, without_positions = (frame[frame["run"] == folder.name] for folder in sweep)
    assert len(planned) == 1 and planned[list(MEASURED)].isna().all(axis=None)
    assert planned["state"].tolist() == ["planned"] and planned["optimisation.steps"].tolist() == [78_125]
    assert without_positions["step"].tolist() == [10] and without_positions["position"].isna().all()
    assert without_positions["ran_with.model.family"].isna().all()


def test_the_whole_config_stands_in_columns_as_it_was_set(sweep):
    frame = tidy(sweep)
    settings = flatten(to_dict(Config(seed=2, pool=9)))
    last = frame[frame["run"] == sweep[2].name].iloc[0]
    assert last["optimisation.betas"] == json.dumps(settings.pop("optimisation.betas"))
    for name, value in settings.items():
        assert last[name] == value or (value is None and pd.isna(last[name])), name
    assert frame["pool"].isna().tolist() == [True] * 6 + [False] * 2
    assert frame["optimisation.micro_batch"].isna().all()


def test_a_setting_that_only_some_runs_have_is_missing_in_the_others(sweep):
    sweep[1] = as_of_another_version(sweep[1], lambda config: config.pop("seed"))
    seeds = tidy(sweep).drop_duplicates("run")["seed"]
    assert seeds.isna().tolist() == [False, True, False] and seeds.dropna().tolist() == [0, 2]


def test_a_setting_that_is_a_number_here_and_a_word_there_is_text_in_both(sweep):
    sweep[1] = as_of_another_version(sweep[1], lambda config: config.update(seed="one"))
    assert tidy(sweep).drop_duplicates("run")["seed"].tolist() == ["0", "one", "2"]


def test_what_is_constant_in_a_run_costs_a_byte_a_row(tmp_path):
    for seed in range(20):
        run = Run(tmp_path, Config(seed=seed))
        run.plan()
        for step in range(1, 21):
            run.append(judged(step, asked=[1] * 100, correct=[1] * 100))
    frame = tidy(run_folders(tmp_path))
    assert len(frame) == 40_000
    constant = frame.drop(columns=list(MEASURED))
    assert (constant.dtypes == "category").all()
    assert constant.memory_usage(deep=True, index=False).max() < 40_000 * 1.2
    assert frame.memory_usage(deep=True).sum() / len(frame) < 100


def test_frames_of_no_run_are_empty_and_keep_their_columns():
    frame = tidy([])
    assert len(frame) == 0 and list(frame.columns) == list(MEASURED)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"examples": 3, "loss": 1.0}, "no step"),
        (judged(30, asked=[1, 2], correct=[1]), "not of the same positions"),
        (judged(30, asked=[1, 2]), "not of the same positions"),
        (judged("soon", asked=[1], correct=[1]), "soon"),
    ],
)
def test_a_line_that_is_no_evaluation_is_named_in_one_sentence(sweep, line, said):
    with_curve(sweep[0], (sweep[0] / "curve.jsonl").read_text() + json.dumps(line) + "\n")
    with pytest.raises(ConfigError, match=said) as error:
        tidy(sweep)
    assert str(sweep[0] / "curve.jsonl") in str(error.value) and "move its folder away" in str(error.value)


def test_numbers_are_read_back_to_the_last_digit(sweep):
    loss = float(np.float64(1) / 3)
    with_curve(sweep[0], json.dumps(judged(30, asked=[1], correct=[1]) | {"loss": loss}) + "\n")
    assert tidy(sweep[:1])["loss"].iloc[-1] == loss
