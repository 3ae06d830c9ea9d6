"""What a model says of pictures, compared with what is true of them: benchmarks, metrics, predictions, intervals and
tables (paper, section 4; reference-facts, section 7).

From the ground up: `metrics` score answers, and `bootstrap` says how sure that is; `benchmark` and `benchmarks` say
which metric, budget and reading go together, and `submission` what a test server takes; `predictions` are what is kept
on disk, and `files` what others keep; `constants` are the best that can be done without looking, and `paper` is what
the paper has; `results`, `table`, `screen` and `figure` are what is reported. `asked` looks at all that is to be asked,
`answer` asks a model, `said` keeps what it says, and `evaluate` does all of it for several; `score` and `score_screen`
do without a model, and `comparison` is of two.
"""
