"""What went wrong in the public implementation (section 8 of the facts), and the test of ours that holds each item.

Those without a better home are tested here.
"""

import ast
import dataclasses
import importlib.metadata
import itertools
import re
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from small_vlm import GRID, SAMPLES, pictures, small_model

from vlm.evaluate.benchmark import answers_of
from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.predictions import judge
from vlm.packing import batch_of
from vlm.places import Place
from vlm.prompt import ORDERS, UNSCORED, lay_out
from vlm.sample import Question, SampleError
from vlm.samples import Listed
from vlm.templates import INSTRUCTIONS
from vlm.vocabulary import END, read_vocabulary
from vlm.world.scene import make_scene
from vlm.world.tasks import samples_of

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("backbones", "training", "probe", "vlm")
WORLD = read_vocabulary("world")

HELD: dict[str, tuple[str, ...]] = {
    "B1": ("vlm/test_defects.py::test_every_module_that_is_imported_is_there_and_declared",),
    "B2": (
        "vlm/evaluate/test_benchmarks.py::test_an_answer_is_read_and_scored",
        "vlm/evaluate/test_prompts.py::test_every_question_of_every_benchmark_is_asked_as_it_would_be_trained",
    ),
    "B3": (
        "vlm/evaluate/test_evaluate.py::test_every_benchmark_of_the_paper_is_asked_and_scored",
        "vlm/evaluate/test_prompts.py::test_a_benchmark_asks_in_these_words_and_tokens_and_shows_the_picture_where_its_order_says",
        "vlm/evaluate/test_prompts.py::test_every_question_of_every_benchmark_is_asked_as_it_would_be_trained",
    ),
    "B4": (
        "vlm/evaluate/test_evaluate.py::test_every_benchmark_of_the_paper_is_asked_and_scored",
        "vlm/data/test_textcaps.py::test_validation_has_one_sample_for_each_picture_with_all_its_captions",
        "vlm/data/test_textcaps.py::test_the_test_split_asks_for_a_caption_of_each_picture_once_and_knows_none",
        "vlm/evaluate/test_prompts.py::test_the_splits_whose_answers_are_not_given_out_are_asked_in_the_same_words",
    ),
    "B5": (
        "vlm/test_defects.py::test_every_benchmark_asks_what_was_trained_in_the_order_of_its_own",
        "vlm/evaluate/test_prompts.py::test_a_benchmark_asks_in_these_words_and_tokens_and_shows_the_picture_where_its_order_says",
    ),
    "B6": ("vlm/test_defects.py::test_a_benchmark_whose_first_answer_is_false_has_scores",),
    "B7": ("vlm/test_checkpoint.py::test_the_family_is_what_the_config_says_whatever_the_folder_is_called",),
    "B8": ("vlm/test_checkpoint.py::test_a_folder_that_is_not_whole_is_refused_with_a_sentence",),
    "B9": ("vlm/test_vision.py::test_patches_are_flattened_as_defined_whatever_the_shape",),
    "B10": ("vlm/test_generate.py::test_a_batch_of_eight_says_what_eight_batches_of_one_say_with_a_cache_or_without",),
    "B11": (
        "vlm/data/test_grit.py::test_pairs_are_selected_by_phrases_of_all_shards_and_all_others_are_counted",
        "vlm/data/test_grit.py::test_a_table_without_noun_chunks_ends_in_a_sentence",
    ),
    "B13": ("backbones/test_embeddings.py::test_old_rows_keep_their_bits_and_so_does_everything_else",),
    "B14": ("vlm/test_defects.py::test_every_module_that_is_imported_is_there_and_declared",),
    "B15": (
        "vlm/data/test_text_vqa.py::test_questions_of_the_test_have_the_text_and_no_answer",
        "vlm/evaluate/test_prompts.py::test_the_splits_whose_answers_are_not_given_out_are_asked_in_the_same_words",
    ),
    "D1": ("vlm/test_checkpoint.py::test_the_form_of_the_norm_is_in_the_config",),
    "D2": (
        "vlm/data/test_refcoco.py::test_all_expressions_of_a_picture_stand_together",
        "vlm/data/test_refcoco.py::test_each_expression_of_the_test_splits_stands_alone",
        "vlm/data/test_refcoco.py::test_as_published_the_last_expression_of_an_object_is_all_there_is",
        "vlm/data/test_refcoco.py::test_as_published_boxes_are_looked_for_once_more_and_nothing_is_described",
        "vlm/data/test_instruct_as_published.py::test_d2_one_expression_of_an_object_stays_and_nothing_is_described",
    ),
    "D3": (
        "vlm/data/test_ocr_vqa.py::test_questions_of_a_book_form_one_sample_and_each_filter_has_its_count",
        "vlm/data/test_ocr_vqa.py::test_as_published_questions_about_the_category_stay_and_so_does_the_empty_answer",
        "vlm/data/test_instruct_as_published.py::test_d3_and_d4_questions_without_an_answer_stay_and_so_do_those_about_the_category",
    ),
    "D4": (
        "vlm/test_defects.py::test_a_question_without_an_answer_shifts_no_target",
        "vlm/test_as_published.py::test_a_question_without_an_answer_is_left_out_and_shifts_what_carries_loss_as_published",
        "vlm/data/test_visual_genome.py::test_as_published_an_empty_answer_stays",
        "vlm/data/test_instruct_as_published.py::test_d3_and_d4_questions_without_an_answer_stay_and_so_do_those_about_the_category",
    ),
    "D5": (
        "vlm/data/test_ai2d.py::test_no_diagram_is_in_two_splits",
        "vlm/data/test_instruct_as_published.py::test_d5_nine_in_ten_diagrams_that_ai2d_validates_with_are_trained_on_too",
        "vlm/data/test_visual7w.py::test_the_test_is_the_same_for_everybody_and_as_published_a_matter_of_the_seed",
        "vlm/data/test_phrase_filter.py::test_the_draw_is_the_same_on_all_machines",
        "vlm/test_world.py::test_splits_and_seeds_share_no_picture",
    ),
    "D6": (
        "vlm/test_defects.py::test_a_placeholder_means_its_number_and_not_its_place",
        "vlm/data/test_grit.py::test_as_published_a_place_has_the_box_of_another_chunk_where_they_are_out_of_order",
        "vlm/data/test_instruct_as_published.py::test_d6_boxes_of_grit_are_in_the_order_of_the_file_and_their_places_in_that_of_the_caption",
    ),
    "D7": (
        "vlm/test_templates.py::test_case_is_kept_or_lowered_behind_the_first_letter",
        "vlm/data/test_instruct_as_published.py::test_d7_letters_are_lowered_in_what_the_model_reads_and_in_no_sample",
    ),
    "D8": (
        "vlm/data/test_overlaps.py::test_no_picture_of_a_test_set_is_trained_on_unless_it_is_asked_for",
        "vlm/data/test_overlaps.py::test_no_test_question_of_visual7w_is_trained_on_with_its_answer",
        "vlm/data/test_instruct_as_published.py::test_d8_what_is_in_test_sets_stays",
        "vlm/test_world.py::test_splits_and_seeds_share_no_picture",
    ),
    "D9": (
        "vlm/data/test_rotation.py::test_only_training_is_augmented_and_as_published_validation_too",
        "vlm/data/test_instruct_as_published.py::test_d9_and_d13_validation_is_augmented_and_answers_repeat_among_their_options",
        "vlm/test_world.py::test_a_sample_has_all_turns_in_train_and_one_elsewhere",
    ),
    "D10": (
        "vlm/evaluate/test_evaluate.py::test_models_of_both_families_are_asked_in_one_precision",
        "vlm/evaluate/test_evaluate.py::test_more_questions_are_asked_later_and_fewer_are_refused",
        "vlm/evaluate/metrics/test_vqa.py::test_published_accuracy_leaves_the_annotators_answers_as_they_are",
    ),
    "D11": ("vlm/data/test_instruct_as_published.py::test_d11_conversations_leave_with_grit",),
    "D12": (
        "vlm/data/test_docvqa.py::test_as_published_questions_on_infographics_have_no_capital_and_those_on_pages_do",
        "vlm/data/test_instruct_as_published.py::test_d12_questions_on_infographics_have_no_capital",
    ),
    "D13": (
        "vlm/test_templates.py::test_all_options_that_are_the_answer_have_their_letters",
        "vlm/test_templates.py::test_a_question_without_one_letter_is_refused",
        "vlm/test_as_published.py::test_an_option_that_stands_there_twice_is_refused_and_has_the_first_letter_as_published",
        "vlm/data/test_rotation.py::test_a_question_whose_answer_stands_twice_among_its_options_is_dropped_but_not_as_published",
        "vlm/data/test_instruct_as_published.py::test_d9_and_d13_validation_is_augmented_and_answers_repeat_among_their_options",
    ),
    "D14": (
        "vlm/test_defects.py::test_a_cut_sample_ends_behind_an_answer_and_none_is_without_targets",
        "vlm/test_defects.py::test_a_sample_without_targets_halves_the_loss_of_another_as_published",
        "vlm/test_as_published.py::test_an_answer_that_does_not_fit_is_left_out_and_cut_as_published",
    ),
    "D15": (
        "vlm/test_defects.py::test_prompts_are_made_in_one_place",
        "vlm/data/test_pope.py::test_it_is_asked_as_other_questions_are",
        "vlm/evaluate/test_prompts.py::test_every_question_of_every_benchmark_is_asked_as_it_would_be_trained",
        "vlm/evaluate/test_prompts.py::test_as_published_pope_and_pointing_questions_are_not_asked_as_they_are_trained",
        "vlm/evaluate/test_prompts.py::test_as_published_a_benchmark_asks_in_the_words_of_its_public_evaluator",
        "vlm/data/test_text_vqa.py::test_where_nothing_was_read_the_heading_stays_as_the_paper_scores_it",
    ),
    "D16": (
        "vlm/test_vocabulary.py::test_ids_are_those_of_gpt_neox",
        "vlm/data/test_visual7w.py::test_in_training_each_answer_stands_once_at_each_letter_and_no_sample_asks_twice",
        "vlm/data/test_rotation.py::test_the_three_ways_differ",
        "vlm/data/test_instruct_as_published.py::test_d16_visual7w_has_three_questions_in_a_sample",
        "vlm/data/test_instruct_as_published.py::test_d16_options_are_rotated_and_as_published_exchanged_or_inserted",
        "vlm/data/test_instruct_as_published.py::test_d16_the_first_stage_has_the_captions_of_the_code_or_those_that_the_paper_names",
    ),
    "D17": (
        "vlm/test_defects.py::test_every_benchmark_asks_what_was_trained_in_the_order_of_its_own",
        "vlm/data/test_instruct.py::test_benchmarks_can_be_asked_in_each_order_and_are_told_apart",
        "vlm/evaluate/test_prompts.py::test_a_benchmark_asks_in_these_words_and_tokens_and_shows_the_picture_where_its_order_says",
    ),
}
"""Below `tests`. Where samples or layouts are concerned, what is right by default and what is so as published."""

ELSEWHERE = {
    "B12": "Localized Narratives are not in the paper's mixture, and have no reader",
}
"""There is nothing here yet that could have them, and why."""


def test_every_defect_is_held_by_tests_or_has_a_reason():
    items = {f"B{n}" for n in range(1, 16)} | {f"D{n}" for n in range(1, 18)}
    assert HELD.keys() | ELSEWHERE.keys() == items
    assert not HELD.keys() & ELSEWHERE.keys()
    for item, held_by in HELD.items():
        for one in held_by:
            path, name = one.split("::")
            tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
            assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (item, one)


def imported(path):
    """First parts of the names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        yield from names


def test_every_module_that_is_imported_is_there_and_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    distributions = {re.split(r"[<>=\[;]", line)[0].lower() for line in declared} | {"llvmlite"}  # numba's own
    of_module = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for name in imported(path):
                first = name.partition(".")[0]
                if first in PACKAGES:
                    place = ROOT / name.replace(".", "/")
                    assert place.with_suffix(".py").exists() or (place / "__init__.py").exists(), f"{path}: {name}"
                elif first not in sys.stdlib_module_names:
                    from_distributions = {known.lower().replace("_", "-") for known in of_module.get(first, [first])}
                    assert from_distributions & distributions, f"{path} imports {name}, which is not declared"


def test_a_benchmark_whose_first_answer_is_false_has_scores():
    no, yes = (
        dataclasses.replace(SAMPLES["image_text_match"], id=str(matches), matches=matches) for matches in (False, True)
    )
    benchmark = BENCHMARKS["world-match"]
    for said in (["False.", "False."], ["True.", "False."], ["", ""]):
        scores = [one.score for one in judge(benchmark, [no, yes], said)]
        assert scores == [float(text == right) for text, right in zip(said, ("False.", "True."), strict=True)]


def test_a_question_without_an_answer_shifts_no_target():
    asked = SAMPLES["vqa"].questions
    empty = [Question(question="What is this?", answer=answer) for answer in ("", "  ", "\n")]
    with_empty = (empty[0], asked[0], empty[1], asked[1], empty[2])
    for order in ORDERS[:2]:
        whole = lay_out(SAMPLES["vqa"], order, WORLD, GRID)
        layout = lay_out(dataclasses.replace(SAMPLES["vqa"], questions=with_empty), order, WORLD, GRID)
        assert (layout.ids, layout.labels) == (whole.ids, whole.labels)
        assert WORLD.decode([label for label in layout.labels if label != UNSCORED]) == f"3.{END}Blue.{END}"


def test_a_placeholder_means_its_number_and_not_its_place():
    sample = dataclasses.replace(
        SAMPLES["grounded_captioning"],
        caption="||a star <coords_1>|| left of ||two circles <coords_0><coords_2>||",
        boxes=((0, 0, 0.1, 0.1), (0.2, 0.2, 0.3, 0.3), (0.4, 0.4, 0.5, 0.5)),
    )
    layout = lay_out(sample, "task-agnostic", WORLD, GRID)
    said = WORLD.decode([label for label in layout.labels if label != UNSCORED])
    assert said == (
        f"||a star [0.20,0.20,0.30,0.30]|| left of ||two circles [0.00,0.00,0.10,0.10][0.40,0.40,0.50,0.50]||.{END}"
    )


def test_a_cut_sample_ends_behind_an_answer_and_none_is_without_targets():
    whole = lay_out(SAMPLES["vqa"], "task-agnostic", WORLD, GRID)
    cut = lay_out(SAMPLES["vqa"], "task-agnostic", WORLD, GRID, max_length=len(whole.ids) - 1)
    assert cut.labels[-1] == WORLD.end
    with pytest.raises(SampleError, match="max_length is 20"):
        lay_out(SAMPLES["vqa"], "task-agnostic", WORLD, GRID, max_length=20)


def test_a_sample_without_targets_halves_the_loss_of_another_as_published():
    model = small_model()
    whole = lay_out(SAMPLES["vqa"], "task-agnostic", WORLD, GRID)
    published = dataclasses.replace(SAMPLES["vqa"], as_published=True)
    without = lay_out(published, "task-agnostic", WORLD, GRID, max_length=20)
    assert without.targets == 0 and len(without.ids) == 20
    with torch.no_grad():
        both, one = (
            model(batch_of(some, 64), pixels=pictures(1).expand(len(some), -1, -1, -1))
            for some in ([whole, without], [whole])
        )
    torch.testing.assert_close(both.loss, one.loss / 2)
    torch.testing.assert_close(both.of_samples, torch.tensor([one.loss, 0.0]))


@pytest.mark.parametrize("benchmark", [name for name in BENCHMARKS if name.startswith("world-")])
def test_every_benchmark_asks_what_was_trained_in_the_order_of_its_own(benchmark):
    """The world's, of which samples can be drawn. Those of the paper: tests/vlm/evaluate/test_prompts.py."""
    drawn = [sample for index in range(8) for sample in samples_of(make_scene(0, "test", index))]
    for sample in BENCHMARKS[benchmark].of(Listed(drawn, Place("."))):
        prompts = {}
        for order in ORDERS:
            trained = lay_out(sample, order, WORLD, GRID)
            prompt = prompts[order] = lay_out(sample, order, WORLD, GRID, with_answers=False)
            assert trained.ids[: len(prompt.ids)] == prompt.ids
            assert trained.labels[: len(prompt.ids)] == prompt.labels
            answer = WORLD.decode(trained.ids[len(prompt.ids) :])
            [(score, parsed)] = BENCHMARKS[benchmark].judge([answer], [answers_of(sample)])
            assert parsed, answer
            assert score == 1 or benchmark == "world-caption", answer
        image = WORLD.image_delimiter
        assert [prompts[order].ids[0] == image for order in ORDERS] == [True, False, False]
        assert prompts["query-first"].ids[-1] == image or benchmark == "world-caption"
        assert len({len(prompt.ids) for prompt in prompts.values()}) == 1, "the same words in another order"


def test_prompts_are_made_in_one_place():
    """Who asks in words of their own asks what was not trained."""
    kept = {"image_block", "INSTRUCTIONS", "IMAGE_DELIMITER", "ROW_SEPARATOR"}
    for path in (ROOT / "vlm").rglob("*.py"):
        text, name = path.read_text(encoding="utf-8"), path.name
        for node in ast.walk(ast.parse(text)):
            taken = {alias.name for alias in node.names} & kept if isinstance(node, ast.ImportFrom) else set()
            assert not taken or name == "prompt.py", f"{path} imports {taken}"
        written = [words for words in INSTRUCTIONS.values() if words in text]
        assert not written or name == "templates.py", f"{path} has {written}"
