"""What a model says of pictures, compared with what is true of them: benchmarks, metrics, predictions, intervals and
tables (paper, section 4; reference-facts, section 7).

From the ground up: `metrics` and `bootstrap` are arithmetic; `benchmark` and `benchmarks` say which metric, budget and
reading go together; `predictions` are what is kept on disk, and `files` what others keep; `constants` are the best that
can be done without looking, and `published` is what the paper has; `results`, `table`, `screen` and `figure` are what
is reported. `asked` and `answer` ask a model, and `evaluate` does all of it for several; `score` does without a model,
and `comparison` is of two.
"""
