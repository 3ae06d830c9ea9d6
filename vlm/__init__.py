"""Right wing: the same language backbones inside a full vision-language model. Not built yet."""
