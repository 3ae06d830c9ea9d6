"""The turns of samples of each task, written by hand from section 4 of the facts."""

import dataclasses

from small_vlm import SAMPLES

from vlm.sample import Question
from vlm.vocabulary import END as E


def changed(task, **changes):
    return dataclasses.replace(SAMPLES[task], **changes)


GOLDEN = [
    (
        SAMPLES["captioning"],
        "Provide a one-sentence caption for the provided image.\n",
        [f"*A red circle on a plain background.{E}"],
    ),
    (
        changed("captioning", prompt="<image>\nWhat is this?", caption="a dog!"),
        "What is this?\n",
        [f"*A dog!{E}"],
    ),
    (changed("captioning", prompt="What is this?\n<image>", caption="A Dog"), "What is this?\n", [f"*A Dog.{E}"]),
    (
        changed(
            "grounded_captioning",
            caption="||a dog <coords_0>|| on ||a mat <coords_1><coords_10>||",
            boxes=((0.1, 0.2, 0.3, 0.4), *[(0.0, 0.0, 0.5, 0.5)] * 9, (0, 0.004, 0.006, 1)),
        ),
        "Provide a one-sentence caption for the image and mention each entity.\n",
        [f"*||a dog [0.10,0.20,0.30,0.40]|| on ||a mat [0.00,0.00,0.50,0.50][0.00,0.00,0.01,1.00]||.{E}"],
    ),
    (
        SAMPLES["dense_captioning"],
        "Provide a short description of the region:\n",
        [
            "[0.00,0.10,0.20,0.30].\n",
            "*A small red circle.\n",
            "[0.50,0.50,0.75,1.00].\n",
            f"*A large blue star.\n{E}",
        ],
    ),
    (
        SAMPLES["visual_grounding"],
        "Locate the region that is described by:",
        [
            "\nThe red circle.\n",
            f"*[0.00,0.10,0.20,0.30].{E}",
            "\nThe large blue star.\n",
            f"*[0.50,0.50,0.75,1.00].{E}",
        ],
    ),
    (
        SAMPLES["vqa"],
        "Answer the question using a single word or phrase.",
        [
            "\nQuestion: How many shapes are there?\nAnswer: ",
            f"*3.{E}",
            "\nQuestion: What color is the star?\nAnswer: ",
            f"*Blue.{E}",
        ],
    ),
    (
        changed("vqa", source="textvqa", context="OCR text:\nstop here", questions=SAMPLES["vqa"].questions[:1]),
        "Answer the question using a single word or phrase.\nOCR text:\nstop here",
        ["\nQuestion: How many shapes are there?\nAnswer: ", f"*3.{E}"],
    ),
    (
        changed("vqa", source="docvqa", questions=(Question(question=" whose Letter", answer=" mr. McKay "),)),
        "Answer the question using a single word or phrase.",
        ["\nQuestion: whose Letter.\nAnswer: ", f"*mr. McKay.{E}"],
    ),
    (
        SAMPLES["multiple_choice_vqa"],
        "Answer with the option's letter from the given choices directly.",
        [
            "\nQuestion: What color is the star?\n",
            "A: Red\n",
            "B: Blue\n",
            "C: Green\n",
            "D: White\nAnswer: ",
            f"*B.{E}",
        ],
    ),
    (
        changed(
            "multiple_choice_vqa",
            source="ai2d",
            context="OCR text:\nA: moon\nB: sun",
            questions=(Question(question="which Is larger", answer="moon", options=("moon", "sun")),),
        ),
        "Answer with the option's letter from the given choices directly.\nOCR text:\nA: moon\nB: sun",
        ["\nQuestion: which Is larger.\n", "A: Moon\n", "B: Sun\nAnswer: ", f"*A.{E}"],
    ),
    (
        SAMPLES["grounded_multiple_choice_vqa"],
        "Answer with the option's letter from the given choices directly.\n",
        [
            "\nQuestion: Where is the star?\n",
            "A: [0.00,0.10,0.20,0.30].\n",
            "B: [0.50,0.50,0.75,1.00].\nAnswer: ",
            f"*B.{E}",
        ],
    ),
    (
        SAMPLES["image_text_match"],
        "Determine if the image matches the description:\n",
        ["There is a red circle.\n", f"*False.{E}"],
    ),
    (
        changed("image_text_match", matches=True),
        "Determine if the image matches the description:\n",
        ["There is a red circle.\n", f"*True.{E}"],
    ),
    (
        changed("chat", replies=("<image>\nwhat is NASA?", "a NASA logo", "where?\n<image>", "left")),
        "What is NASA?\n",
        ["*A NASA logo.\n", "Where?\n", f"*Left.\n{E}"],
    ),
]
"""Of samples: the instruction, and the other turns, answers with a star. All texts of one turn are cut into tokens
each by itself, in the paper; an end token behind chat and dense captioning is put there by `lay_out`."""
