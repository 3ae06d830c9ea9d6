"""A vision-language model with either backbone: picture, connector, language model, trained in two stages."""
