"""`vlm inspect`: what a model sees of a sample."""
