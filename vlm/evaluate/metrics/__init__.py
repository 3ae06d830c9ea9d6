"""How answers are scored: arithmetic on texts and boxes, without models, files or pictures.

`metric` says what a metric and a measure are; `captions`, `boxes`, `vqa` and `yes_no` have them; `tokenizer` cuts
captions into words as the official tools do.
"""
