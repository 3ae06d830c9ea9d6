"""Checkpoints of the paper's public implementation, to and from the folders of this package (reference-facts, 3).

vlm import    Mamba-VL and Pythia-VL with EVA-02 or CLIP -> config.json, model*.safetensors, tokenizer.json
vlm export    such a folder -> config.json, model*.safetensors under the names of the public implementation

files           weights on disk, read one tensor at a time
shards          weights to disk, written one tensor at a time
declaration     what their config.json says, and how one is written
pythia          what of a Pythia only config.json knows
anatomy         the architecture, from the names and shapes of the weights
names           which weight is called what on either side, and which are the same
encoder         the vision encoder that keys and config.json speak of
origin          `released.json`, which an imported folder keeps for the way back
summary         what a person is told
folder          a folder that is there whole or not at all
importing       all of it together; exporting is the way back
"""
