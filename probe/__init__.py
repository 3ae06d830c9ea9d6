"""Left wing: does a model find a token in its context and say where it stood? The task, its trainer, its figures."""
