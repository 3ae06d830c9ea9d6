"""Generation: a batch of n says what n batches of one say, with a cache or without, and ends at the end token."""

import dataclasses

import pytest
import torch
from small_vlm import GRID, KINDS, SAMPLES, Scripted, pictures, small_model

from backbones.embeddings import enlarge
from vlm.generate import generate
from vlm.packing import batch_of
from vlm.prompt import ORDERS, UNSCORED, lay_out, singles
from vlm.sample import Question

MODELS = {}
QUESTIONS = [
    dataclasses.replace(SAMPLES["vqa"], questions=(Question(question="What" + " big" * n + "?", answer="x"),))
    for n in (0, 9)
]


def prompts_of(model, order):
    """Eight of mixed lengths."""
    one_each = [next(singles(sample)) for task, sample in SAMPLES.items() if task != "chat"]
    asked = [*one_each[:6], *QUESTIONS]
    return [lay_out(sample, order, model.vocabulary, GRID, with_answers=False) for sample in asked]


def generated(model, prompts, pixels, **options):
    return generate(model, prompts, pixels, **{"max_new_tokens": 12, **options})


@pytest.fixture(params=KINDS)
def model(request):
    """A new model says the same to everything: this one is louder."""
    if request.param not in MODELS:
        model = MODELS[request.param] = small_model(request.param)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "connector" in name:
                    parameter.mul_(30)
                elif parameter is model.language_model.get_input_embeddings().weight:
                    parameter.copy_(torch.randn(parameter.shape, generator=generator))
                elif parameter.dim() == 2 and "A_log" not in name:
                    parameter.mul_(4)
    return MODELS[request.param]


@pytest.mark.parametrize("order", ORDERS)
def test_a_batch_of_eight_says_what_eight_batches_of_one_say_with_a_cache_or_without(model, order):
    prompts, pixels = prompts_of(model, order), pictures(8)
    assert len({len(prompt.ids) for prompt in prompts}) >= 6
    together = model.generate(prompts, pixels, max_new_tokens=12)
    assert len(set(together)) == 8, "or the test would see nothing"
    for use_cache in (True, False):
        singly = [
            model.generate([prompt], pixels[n : n + 1], max_new_tokens=12, use_cache=use_cache)[0]
            for n, prompt in enumerate(prompts)
        ]
        assert singly == together
    assert model.generate(prompts, pixels, max_new_tokens=12, use_cache=False) == together


def test_what_is_said_is_what_the_training_pass_finds_most_likely(model):
    """Prompt and answer read at once, packed: each token of the answer is the likeliest behind those before it."""
    [prompt] = prompts_of(model, "task-aware")[:1]
    pixels = pictures(1)
    said = generated(model, [prompt], pixels)[0]
    ids = prompt.ids + tuple(said)
    labels = (UNSCORED,) * len(prompt.ids) + tuple(said)
    losses = model(batch_of([dataclasses.replace(prompt, ids=ids, labels=labels)], 1), pixels=pixels)
    assert losses.targets.tolist() == losses.correct.tolist() == [12]


@pytest.mark.parametrize("picture", [0, 1])
def test_the_picture_and_the_words_matter(model, picture):
    first, second, *_ = prompts_of(model, "task-agnostic")
    pixels = pictures(2)[picture : picture + 1]
    said = model.generate([first], pixels, max_new_tokens=12)
    assert said != model.generate([second], pixels, max_new_tokens=12)
    assert said != model.generate([first], pictures(2)[1 - picture : 2 - picture], max_new_tokens=12)


def test_drawing_depends_on_the_seed_and_not_on_the_batch(model):
    prompts, pixels = prompts_of(model, "task-aware"), pictures(8)
    options = {"temperature": 1.0, "max_new_tokens": 8}
    together = model.generate(prompts, pixels, seed=5, **options)
    singly = [model.generate([prompt], pixels[n : n + 1], seed=5, **options)[0] for n, prompt in enumerate(prompts)]
    assert singly == together
    assert model.generate(prompts, pixels, seed=99, **options) != together
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert model.generate(prompts, pixels, seed=5, **options) == together
    assert torch.equal(torch.get_rng_state(), before)


def says(model, monkeypatch, logits):
    """Gives the model a head that says what is written down: calls x sequences x vocabulary."""
    head = Scripted(logits)
    monkeypatch.setattr(type(model), "head", property(lambda _: head))
    return head


def certain(rows, *tokens):
    """Logits of calls x sequences of these tokens."""
    return 50 * torch.nn.functional.one_hot(torch.tensor(tokens), rows).float()


def test_a_sequence_ends_at_its_end_token_and_the_batch_at_the_last(model, monkeypatch):
    end = model.vocabulary.end
    script = certain(model.vocabulary.rows, (7, 8, end), (end, 9, 10), (11, 12, 13), (14, end, 15), (16, 17, 18))
    head = says(model, monkeypatch, script)
    prompts = prompts_of(model, "task-aware")[:3]
    assert generated(model, prompts, pictures(3)) == [[7], [8, 9, 12], []]
    assert head.calls == 4


def test_no_more_is_said_than_asked_for(model, monkeypatch):
    says(model, monkeypatch, certain(model.vocabulary.rows, (7,), (8,), (9,)))
    assert generated(model, prompts_of(model, "task-aware")[:1], pictures(1), max_new_tokens=2) == [[7, 8]]


def test_top_p_draws_among_the_likeliest_tokens_that_reach_it_together(monkeypatch):
    model = small_model("mamba")
    rows = model.vocabulary.rows
    probabilities = torch.full((rows,), 1e-9)
    probabilities[torch.tensor([3, 400, 20, 700])] = torch.tensor([0.4, 0.3, 0.2, 0.1])
    prompt = prompts_of(model, "task-aware")[:1]

    def drawn(**options):
        says(model, monkeypatch, probabilities.log().expand(60, 1, rows))
        [ids] = generated(model, prompt, pictures(1), max_new_tokens=60, **options)
        return set(ids)

    assert drawn(temperature=0.0) == {3}
    assert drawn(temperature=1.0) == {3, 400, 20, 700}
    assert drawn(temperature=1.0, top_p=0.85) == {3, 400, 20}
    assert drawn(temperature=1.0, top_p=0.5) == {3, 400}
    assert drawn(temperature=1.0, top_p=0.01) == {3}
    assert drawn(temperature=0.01) == {3}, "colder than the model"


def test_a_picture_is_encoded_once_for_all_prompts_and_tokens(model, monkeypatch):
    seen = []
    hook = model.encoder.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    prompts, pixels = prompts_of(model, "task-agnostic"), pictures(1)
    together = model.generate(prompts, pixels, [0] * 8, max_new_tokens=5)
    hook.remove()
    assert seen == [1]
    assert together == model.generate(prompts, pixels.expand(8, -1, -1, -1), max_new_tokens=5)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_rows_without_a_token_are_never_said(temperature):
    """Pretrained models have more rows than the vocabulary has tokens."""
    model = small_model("mamba")
    rows = model.vocabulary.rows
    enlarge(model.language_model, 27, seed=0)
    with torch.no_grad():
        model.language_model.get_input_embeddings().weight[rows:] *= 1000
    [ids] = generated(model, prompts_of(model, "task-aware")[:1], pictures(1), temperature=temperature)
    assert len(ids) == 12
    assert max(ids) < rows
