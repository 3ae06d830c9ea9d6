"""The commands of `vlm`, each with what it is told on the command line."""
