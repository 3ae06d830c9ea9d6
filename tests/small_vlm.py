"""Samples of every task, and vision-language models of both families that take milliseconds to make."""

from hypothesis import strategies as st
from torch import Tensor, nn, rand

from vlm.assemble import assemble
from vlm.config import ModelSettings
from vlm.model import VisionLanguageModel
from vlm.prompt import lay_out
from vlm.sample import TASKS, Box, Question, Region, Sample
from vlm.vision import VisionSettings
from vlm.vocabulary import END

PATCHES = VisionSettings(name="patches", image_size=32, patch_size=16)
GRID = (2, 2)

KINDS = {"pythia": ("pythia", "rms"), "mamba": ("mamba", "rms"), "mamba with LayerNorm": ("mamba", "layer")}
"""Of models: family and norm."""

SAMPLES = {
    "captioning": Sample(
        id="1", image="a.png", task="captioning", source="world-caption", caption="a red circle on a plain background"
    ),
    "grounded_captioning": Sample(
        id="2",
        image="a.png",
        task="grounded_captioning",
        source="world-grounded",
        caption="||a red circle <coords_0>|| and ||a star <coords_1>||",
        boxes=((0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 1, 1)),
    ),
    "dense_captioning": Sample(
        id="3",
        image="a.png",
        task="dense_captioning",
        source="world-dense",
        regions=(
            Region(box=(0, 0.1, 0.2, 0.3), phrase="a small red circle"),
            Region(box=(0.5, 0.5, 0.75, 1), phrase="a large blue star"),
        ),
    ),
    "visual_grounding": Sample(
        id="4",
        image="a.png",
        task="visual_grounding",
        source="world-grounding",
        regions=(
            Region(box=(0, 0.1, 0.2, 0.3), phrase="the red circle"),
            Region(box=(0.5, 0.5, 0.75, 1), phrase="the large blue star"),
        ),
    ),
    "vqa": Sample(
        id="5",
        image="a.png",
        task="vqa",
        source="world-vqa",
        questions=(
            Question(question="How many shapes are there?", answer="3"),
            Question(question="What color is the star?", answer="blue"),
        ),
    ),
    "multiple_choice_vqa": Sample(
        id="6",
        image="a.png",
        task="multiple_choice_vqa",
        source="world-choice",
        questions=(
            Question(question="What color is the star?", answer="blue", options=("red", "blue", "green", "white")),
        ),
    ),
    "grounded_multiple_choice_vqa": Sample(
        id="7",
        image="a.png",
        task="grounded_multiple_choice_vqa",
        source="visual7w",
        questions=(
            Question(
                question="Where is the star?",
                answer="[0.50,0.50,0.75,1.00]",
                options=((0, 0.1, 0.2, 0.3), (0.5, 0.5, 0.75, 1)),
            ),
        ),
    ),
    "image_text_match": Sample(
        id="8",
        image="a.png",
        task="image_text_match",
        source="world-match",
        caption="there is a red circle",
        matches=False,
    ),
    "chat": Sample(
        id="9",
        image="a.png",
        task="chat",
        source="llava",
        replies=("What is this?", "a red circle", "And to the left of it?", "nothing"),
    ),
}
"""One of each task."""

texts = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() and END not in text and "<" not in text)
shares = st.floats(0, 1)
boxes = st.tuples(shares, shares, shares, shares).map(
    lambda s: (min(s[0], s[2]), min(s[1], s[3]), max(s[0], s[2]), max(s[1], s[3]))
)
regions = st.builds(Region, box=boxes, phrase=texts)
questions = st.builds(Question, question=texts, answer=texts)


@st.composite
def samples(draw: st.DrawFn, tasks: tuple[str, ...] = TASKS) -> Sample:
    """Samples of these tasks about anything."""
    task = draw(st.sampled_from(tasks))
    holds: dict[str, object] = {}
    if task in ("captioning", "image_text_match"):
        holds = {"caption": draw(texts), "matches": draw(st.booleans())}
    elif task == "grounded_captioning":
        found: list[Box] = draw(st.lists(boxes, max_size=12))
        holds = {"caption": draw(texts) + "".join(f" <coords_{n}>" for n in range(len(found))), "boxes": tuple(found)}
    elif task in ("dense_captioning", "visual_grounding"):
        holds = {"regions": tuple(draw(st.lists(regions, min_size=1, max_size=4)))}
    elif task == "chat":
        holds = {"replies": tuple(draw(st.lists(texts, min_size=2, max_size=5)))}
    elif task == "vqa":
        holds = {"questions": tuple(draw(st.lists(questions, min_size=1, max_size=4)))}
    else:
        options = draw(st.lists(texts, min_size=2, max_size=5, unique=True))
        asked = Question(question=draw(texts), answer=draw(st.sampled_from(options)), options=tuple(options))
        holds = {"questions": (asked,)}
    return Sample(id="drawn", image="a.png", task=task, source=draw(st.sampled_from(["x", "docvqa", "ai2d"])), **holds)


def small_model(kind: str = "mamba", **of_layout: object) -> VisionLanguageModel:
    """A model of one of the kinds, with pictures of 2 x 2 patches, and weights that make it say many things."""
    family, norm = KINDS[kind]
    settings = ModelSettings(name=f"tiny/{family}", vision=PATCHES, vocabulary="world", norm=norm)
    return assemble(settings, **of_layout).eval()


def pictures(count: int, seed: int = 0) -> Tensor:
    """count x 3 x 32 x 32, uniform noise."""
    import torch

    return rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def layouts(model: VisionLanguageModel, tasks: tuple[str, ...], order: str = "task-agnostic", **settings: object):
    """Samples of these tasks as this model reads them."""
    return [lay_out(SAMPLES[task], order, model.vocabulary, model.grid, **settings) for task in tasks]


class Scripted(nn.Module):
    """A head that says, at call k, what was written down for it: calls x sequences x vocabulary."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits, self.calls = logits, 0

    def forward(self, hidden: Tensor) -> Tensor:
        self.calls += 1
        return self.logits[self.calls - 1]
