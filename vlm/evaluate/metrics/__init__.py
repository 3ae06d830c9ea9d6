"""How answers are scored: of texts and boxes, without models and pictures.

`metric` says what a metric and a measure are; `captions`, `boxes`, `vqa` and `yes_no` have them. Of captions,
`tokenizer` cuts them into words as the official tools do, `wording` does so once for all, and `bleu`, `rouge`, `meteor`
and `spice` are measured beside CIDEr; the last two are programs in Java, which `java` runs.
"""
