"""From the folders that data sets' sites give out to samples that are checked, counted and ready to train on (paper,
section 4 and appendix A; reference-facts, 5).

    reading     `scanner`, `records`, `pickles`, `shards` read files; `tally` counts what becomes of them; `source` is
                the folder that a reader reads from, `data_set` the contract of the `readers`, `registry` all of them
    rules       `answers`, `packs`, `rotation`, `blank`, `phrase_filter`: what several readers, or a large one, go by
    quality     `picture_check`, `contamination`: what is left out; `doctor`, `comparisons`, `findings`: what is wrong
                with samples that were prepared
    making      `mixtures` name what goes together, `plan` looks at it first, `parts` are read by `workers`, `mixing`
                puts them into one order, `prepare` does all of it, `manifest` and `report` tell of it
    keeping     `columns` are the schema, `stored` reads samples back
"""
