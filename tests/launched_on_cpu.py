"""The command line of the probe, or with PROGRAM=vlm of the other wing, for tests of models that processes share out
among them: to be started by `accelerate launch` with a config of `experiments/accelerate`, on a machine without a GPU.

FSDP and DeepSpeed work on a CPU, over gloo, as on GPUs. Three things stand in the way, and are moved aside here:

- Accelerate 1.15 heeds them where it finds GPUs: elsewhere FSDP turns into plain DDP without a word, and DeepSpeed into
  processes that know nothing of each other (`accelerate.state.PartialState`). So it is told that it has found some.
- FSDP frees a gathered weight by taking away its storage, which memory that numpy has looked at does not allow
  ("Trying to resize storage that is not resizable"), and the kernels of `backbones.scan` take numpy's view of small
  weights: so these are filled with nan instead, and whoever used them unasked would be found out.
- ZeRO 3 leaves weights of fewer than 100,000 numbers in every process once it has gathered them, which are all that a
  tiny model has: so it is told to leave none.

With INTERRUPT_AT in the environment, the second process gets a SIGTERM in the step of this number, counted from 0.
"""

import os
import signal
from importlib import import_module

import torch
from accelerate import DeepSpeedPlugin
from accelerate.state import PartialState
from accelerate.utils import DistributedType
from torch.distributed.fsdp._fully_shard import _fsdp_param

from training import loop

free_storage = _fsdp_param.free_storage
fill_in = DeepSpeedPlugin.__post_init__
step = loop._step


def free_or_spoil(tensor):
    if tensor.untyped_storage().resizable():
        free_storage(tensor)
    else:
        with torch.no_grad(), torch.autograd._unsafe_preserve_version_counter(tensor):
            tensor.fill_(torch.nan)


def fill_in_for_tiny_models(self):
    fill_in(self)
    self.deepspeed_config["zero_optimization"]["stage3_param_persistence_threshold"] = 0


def step_or_stop(model, objective, optimisation, accelerator, number, share):
    if accelerator.process_index == 1 and str(number) == os.environ.get("INTERRUPT_AT"):
        os.kill(os.getpid(), signal.SIGTERM)
    return step(model, objective, optimisation, accelerator, number, share)


PartialState._prepare_backend = lambda *_: ("gloo", DistributedType.MULTI_GPU)
os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
_fsdp_param.free_storage = free_or_spoil
DeepSpeedPlugin.__post_init__ = fill_in_for_tiny_models
loop._step = step_or_stop

if __name__ == "__main__":
    import_module(f"{os.environ.get('PROGRAM', 'probe')}.cli").main()
