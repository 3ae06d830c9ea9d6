"""What a model is given, drawn for a person: a sample token by token, the rows of a pack, a sheet of random samples.

`tokens` and `boxes` say what there is to see, `page` and `drawing` how it looks as HTML and as PNG; `sample`, `pack`
and `sheet` each write one kind of file. Nothing is worked out anew: layouts are those of `vlm.prompt`, rows those of
`vlm.packing`.
"""
