"""What a model says of pictures, compared with what is true of them: benchmarks, metrics, predictions, intervals and
tables (paper, section 4; reference-facts, section 7).

From the ground up: `boxes`, `captions` and `bootstrap` are arithmetic; `metrics` are built of them; `benchmarks` say
which metric, budget and reading go together; `predictions` are what is kept on disk; `constants` are the best that can
be done without looking; `results`, `table` and `figure` are what is reported. `answer` asks a model, and
`evaluate` does all of it for several.
"""
