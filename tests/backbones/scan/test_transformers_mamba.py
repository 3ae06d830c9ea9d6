"""`MambaForCausalLM` of transformers computes the same with our functions beneath it as with its own."""

import subprocess
import sys

import pytest
import torch
from transformers import MambaConfig, MambaForCausalLM
from transformers.models.mamba import modeling_mamba

from backbones.scan import mount, packed

FUNCTIONS = (
    "mamba_inner_fn",
    "mamba_selective_scan",
    "mamba_selective_state_update",
    "causal_conv1d_fn",
    "causal_conv1d_update",
)
PLACES = [
    *((modeling_mamba, name) for name in FUNCTIONS),
    (modeling_mamba.MambaMixer, "forward"),
    (modeling_mamba.MambaRMSNorm, "forward"),
]
"""What `mount` replaces."""
THEIRS = [(place, name, getattr(place, name)) for place, name in PLACES]


def make_model(seed=0, **others):
    torch.manual_seed(seed)
    config = MambaConfig(
        vocab_size=40,
        hidden_size=24,
        num_hidden_layers=2,
        state_size=16,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=1,
        **others,
    )
    return MambaForCausalLM(config)


@pytest.fixture
def mounted(monkeypatch):
    """Our functions for one test; theirs again after it."""
    mount()
    put(monkeypatch, [(place, name, getattr(place, name)) for place, name in PLACES])


def put(monkeypatch, functions):
    for place, name, function in functions:
        monkeypatch.setattr(place, name, function)


def logits_and_gradients(model, tokens, attention_mask):
    model.zero_grad()
    output = model(tokens, attention_mask=attention_mask, labels=tokens, use_cache=False)
    output.loss.backward()
    return output.logits.detach(), {name: p.grad.clone() for name, p in model.named_parameters()}


def relative(ours, theirs):
    return float((ours.detach().double() - theirs.detach().double()).norm() / theirs.detach().double().norm())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("padded", [None, "left", "right"])
@pytest.mark.parametrize(
    "others", [{}, {"hidden_act": "gelu"}, {"use_bias": True, "use_conv_bias": False}], ids=["silu", "gelu", "biases"]
)
def test_logits_and_every_parameter_gradient_equal_those_of_transformers(monkeypatch, training, padded, others):
    model = make_model(**others).train(training)
    tokens = torch.randint(2, 40, (3, 37))
    attention_mask = torch.ones_like(tokens)
    if padded:
        attention_mask[0, :9] = 0
        attention_mask = attention_mask.flip(1) if padded == "right" else attention_mask
    put(monkeypatch, THEIRS)
    logits, gradients = logits_and_gradients(model, tokens, attention_mask)
    mount()
    our_logits, our_gradients = logits_and_gradients(model, tokens, attention_mask)
    assert relative(our_logits, logits) < 1e-5
    for name, gradient in gradients.items():
        assert relative(our_gradients[name], gradient) < 1e-5, name


class Adapter(torch.nn.Module):
    """In the place of a linear layer, as peft has them: with its weight, and something more."""

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, x):
        return 2 * torch.nn.functional.linear(x, self.weight)


@pytest.mark.usefixtures("mounted")
def test_an_adapter_or_a_hook_on_a_projection_is_called():
    model = make_model().train()
    tokens = torch.randint(2, 40, (3, 17))
    logits = model(tokens).logits
    projection = model.backbone.layers[0].mixer.x_proj
    hook = projection.register_forward_hook(lambda layer, inputs, output: output * 2)
    hooked = model(tokens).logits
    hook.remove()
    assert torch.equal(model(tokens).logits, logits)
    model.backbone.layers[0].mixer.x_proj = Adapter(projection.weight)
    adapted = model(tokens).logits
    for changed in (hooked, adapted):
        assert relative(changed, logits) > 1e-4


@pytest.mark.usefixtures("mounted")
def test_frozen_weights_pass_gradients_on_and_get_none():
    model = make_model().train()
    tokens = torch.randint(2, 40, (3, 17))
    embeddings = model.get_input_embeddings()(tokens).detach()
    gradients = []
    for frozen in (False, True):
        model.requires_grad_(not frozen).zero_grad()
        inputs = embeddings.clone().requires_grad_()
        model(inputs_embeds=inputs).logits.square().sum().backward()
        gradients.append(inputs.grad)
    assert torch.equal(*gradients)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.usefixtures("mounted")
def test_generating_with_the_cache_equals_the_full_forward_at_every_step():
    model = make_model().eval()
    prompt = torch.randint(2, 40, (3, 11))
    generated = model.generate(
        prompt, max_new_tokens=12, min_new_tokens=12, do_sample=False, output_logits=True, return_dict_in_generate=True
    )
    with torch.no_grad():
        full = model(generated.sequences[:, :-1]).logits[:, prompt.shape[1] - 1 :]
    for step, logits in enumerate(generated.logits):
        assert relative(logits, full[:, step]) < 1e-5, step


@pytest.mark.usefixtures("mounted")
def test_mounting_twice_changes_nothing():
    before = modeling_mamba.mamba_selective_scan
    mount()
    mount()
    assert modeling_mamba.mamba_selective_scan is before


def test_a_transformers_with_other_names_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.delattr(modeling_mamba, "mamba_selective_scan")
    with pytest.raises(RuntimeError, match=r"install transformers"):
        mount()


def test_a_process_that_only_imports_the_scan_leaves_transformers_alone():
    check = (
        "import backbones.scan; from transformers.models.mamba import modeling_mamba as m;"
        "assert m.mamba_selective_scan.__module__ == m.__name__"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize("training", [True, False])
def test_packed_documents_do_not_touch_each_other(training):
    model = make_model().train(training)
    reset = torch.zeros(2, 30, dtype=torch.bool)
    reset[:, [0, 11]] = True
    tokens = torch.randint(2, 40, (2, 30))
    changed = tokens.clone()
    changed[:, :11] = torch.randint(2, 40, (2, 11))
    with packed(reset):
        logits, others = (model(given).logits[:, 11:] for given in (tokens, changed))
    assert torch.equal(logits, others)
    alone = model(tokens[:, 11:]).logits
    assert relative(logits, alone) < 1e-5
    assert relative(model(tokens).logits[:, 11:], alone) > 1e-3


@pytest.mark.usefixtures("mounted")
def test_packing_holds_when_checkpointed_blocks_run_again():
    model = make_model().train()
    reset = torch.zeros(1, 20, dtype=torch.bool)
    reset[:, 9] = True
    tokens = torch.randint(2, 40, (1, 20))
    gradients = []
    for checkpointing in (False, True):
        if checkpointing:
            # Newer versions of transformers call it by the first name.
            getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
        with packed(reset):
            gradients.append(logits_and_gradients(model, tokens, None)[1])
    for name, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][name]), name


@pytest.mark.usefixtures("mounted")
def test_packing_of_another_shape_is_refused():
    with packed(torch.zeros(1, 20, dtype=torch.bool)), pytest.raises(ValueError, match=r"packed was told of 1 x 20"):
        make_model()(torch.randint(2, 40, (1, 19)))


@pytest.mark.usefixtures("mounted")
def test_autocast_to_bfloat16_trains():
    model = make_model().train()
    tokens = torch.randint(2, 40, (3, 37))
    _, gradients = logits_and_gradients(model, tokens, None)
    with torch.autocast("cpu", torch.bfloat16):
        _, rounded = logits_and_gradients(model, tokens, None)
    for name, gradient in gradients.items():
        assert relative(rounded[name], gradient) < 0.1, name


@pytest.mark.usefixtures("mounted")
def test_a_compiled_model_gives_the_same():
    model = make_model().train()
    tokens = torch.randint(2, 40, (2, 20))
    logits, gradients = logits_and_gradients(model, tokens, None)
    compiled_logits, compiled_gradients = logits_and_gradients(torch.compile(model, backend="eager"), tokens, None)
    assert relative(compiled_logits, logits) < 1e-5
    for name, gradient in gradients.items():
        assert relative(compiled_gradients[f"_orig_mod.{name}"], gradient) < 1e-5, name
