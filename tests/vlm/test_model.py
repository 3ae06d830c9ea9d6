"""The model: where patches go, what is trained, and the loss against a slow loop."""

import dataclasses

import pytest
import torch
from small_vlm import KINDS, PATCHES, SAMPLES, layouts, pictures, small_model

from training.config import ConfigError
from vlm.assemble import assemble
from vlm.config import ModelSettings
from vlm.packing import batch_of
from vlm.prompt import PATCH, UNSCORED, lay_out

TASKS = ("vqa", "captioning", "visual_grounding", "image_text_match", "chat")


@pytest.fixture(params=KINDS)
def model(request):
    return small_model(request.param)


def test_patches_are_put_row_by_row_where_their_places_are(model):
    some = layouts(model, ("captioning", "vqa"), "task-aware")
    batch = batch_of(some, 1000)
    features = torch.randn(2, 4, model.encoder.width, generator=torch.Generator().manual_seed(0))
    found = model.embed(batch.ids, features)[0]
    table = model.language_model.get_input_embeddings().weight
    connected = model.connector(features).flatten(0, 1)
    place = 0
    for step, number in enumerate(batch.ids[0].tolist()):
        expected = connected[place] if number == PATCH else table[number]
        torch.testing.assert_close(found[step], expected)
        place += number == PATCH
    assert place == 8


@pytest.mark.parametrize("shape", [(1, 3), (1, 5), (2, 4), (0, 4)])
def test_more_or_fewer_patches_than_places_are_an_error(model, shape):
    [layout] = layouts(model, ("captioning",))
    with pytest.raises(ValueError, match=f"4 places for {shape[0] * shape[1]} patches"):
        model.embed(torch.tensor([layout.ids]), torch.zeros(*shape, model.encoder.width))


def test_a_layout_of_another_grid_is_an_error(model):
    layout = lay_out(SAMPLES["captioning"], "task-agnostic", model.vocabulary, (2, 3))
    with pytest.raises(ValueError, match="6 places for 4 patches: the layout and the encoder have different grids"):
        model(batch_of([layout], 1000), pixels=pictures(1))


def test_each_picture_goes_to_its_own_sample(model):
    """Packing changes the order of samples: pictures have to follow."""
    some = layouts(model, ("captioning", "image_text_match", "captioning", "visual_grounding", "vqa"))
    pixels = pictures(5)
    batch = batch_of(some, 120)
    together = model(batch, pixels=pixels[list(batch.images)]).of_samples
    for n, layout in enumerate(some):
        torch.testing.assert_close(model(batch_of([layout], 1), pixels=pixels[n : n + 1]).loss, together[n])
    assert list(batch.images) != sorted(batch.images)


def test_the_loss_is_the_mean_over_targets_and_then_over_samples(model):
    some, pixels = layouts(model, TASKS), pictures(len(TASKS))
    unscored = dataclasses.replace(some[1], labels=(UNSCORED,) * len(some[1].labels))
    some[1] = unscored
    batch = batch_of(some, 300)
    losses = model(batch, pixels=pixels[list(batch.images)])
    embeddings = model.embed(batch.ids, model.features(pixels[list(batch.images)]))
    everywhere = model.head(model.hidden(embeddings, batch.starts, batch.positions))
    means = []
    for n, layout in enumerate(some):
        [(row, first)] = ((batch.documents == n) & batch.starts).nonzero().tolist()
        told = []
        for step in range(1, len(layout.ids)):
            if layout.labels[step] != UNSCORED:
                logits = everywhere[row, first + step - 1].double()
                told.append((logits.logsumexp(-1) - logits[layout.labels[step]]).item())
        assert losses.targets[n] == len(told) == layout.targets
        assert losses.of_samples[n].item() == pytest.approx(sum(told) / max(len(told), 1), abs=1e-5)
        means.append(sum(told) / max(len(told), 1))
    assert means.count(0) == 1, "a sample without a target counts in the mean"
    assert losses.loss.item() == pytest.approx(sum(means) / len(means), abs=1e-5)


def test_logits_are_computed_where_there_is_a_label_alone(model):
    rows = []
    model.head.register_forward_hook(lambda _, inputs, __: rows.append(inputs[0].shape))
    some = layouts(model, TASKS)
    batch = batch_of(some, 300)
    model(batch, pixels=pictures(len(TASKS)))
    assert rows == [(sum(layout.targets for layout in some), 64)]


def test_targets_that_were_most_likely_are_counted(model):
    batch = batch_of(layouts(model, TASKS), 300)
    pixels = pictures(len(TASKS))
    embeddings = model.embed(batch.ids, model.features(pixels))
    likeliest = model.head(model.hidden(embeddings, batch.starts, batch.positions)).argmax(-1)
    labels = batch.labels.clone()
    scored = labels[:, 1:] != UNSCORED
    labels[:, 1:][scored] = likeliest[:, :-1][scored]
    wrong = int(scored[0].nonzero()[0])
    labels[0, 1 + wrong] = (labels[0, 1 + wrong] + 1) % 100
    losses = model(dataclasses.replace(batch, labels=labels), pixels=pixels)
    assert losses.correct.sum() == losses.targets.sum() - 1


def test_a_batch_without_any_target_has_a_loss_of_zero(model):
    [layout] = layouts(model, ("vqa",))
    losses = model(batch_of([dataclasses.replace(layout, labels=(UNSCORED,) * len(layout.ids))], 1), pictures(1))
    assert losses.loss.item() == 0
    losses.loss.backward()


def test_features_that_were_computed_before_give_the_same_loss(model):
    batch = batch_of(layouts(model, TASKS), 300)
    pixels = pictures(len(TASKS))
    assert torch.equal(model(batch, pixels=pixels).loss, model(batch, features=model.features(pixels)).loss)


@pytest.mark.parametrize("stage", ["align", "instruct"])
def test_a_stage_trains_its_parts_and_no_others(stage):
    settings = ModelSettings(
        name="tiny/mamba",
        vocabulary="world",
        vision=dataclasses.replace(PATCHES, name="timm/test_vit", image_size=160, patch_size=None, pretrained=False),
    )
    model = assemble(settings)
    model.freeze(stage)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    connector = {f"connector.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
    language = {name for name, _ in model.named_parameters() if name.startswith("language_model.")}
    assert trained == (connector if stage == "align" else connector | language)
    assert any(name.startswith("encoder.") for name, _ in model.named_parameters())
    [layout] = layouts(model, ("vqa",))
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
    pixels = torch.rand(1, 3, 160, 160)
    model.train()(batch_of([layout], 1), pixels=pixels).loss.backward()
    optimizer.step()
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed == trained
    model.freeze("instruct")
    assert {name for name, p in model.named_parameters() if p.requires_grad} == connector | language, (
        "the second stage follows on the first"
    )


def test_both_families_begin_with_one_connector_and_leave_the_global_generator_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    pythia, mamba = (small_model(kind).connector.state_dict() for kind in ("pythia", "mamba"))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(pythia[name], mamba[name]) for name in pythia)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"name": "tiny/pythia", "norm": "layer"}, "norm layer is a form of Mamba"),
        ({"name": "1.4b/mamba", "vocabulary": "world"}, "has a vocabulary of its own"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ModelSettings(**{"vision": PATCHES, **settings})


def test_a_language_model_with_fewer_rows_than_tokens_is_refused(tmp_path):
    from backbones import load

    load("tiny/mamba", vocabulary=40).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="has 40 rows for the 50,277 tokens of gpt-neox-20b"):
        assemble(ModelSettings(name=str(tmp_path), vision=PATCHES))
