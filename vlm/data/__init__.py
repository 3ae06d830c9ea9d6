"""From the folders that data sets' sites give out to samples that are checked, counted and ready to train on (paper,
section 4 and appendix A; reference-facts, 5).

From the ground up: `records` reads annotation files, `tally` counts what becomes of them, `source` is the folder that a
reader reads from, `data_set` the contract of the readers; `answers` and `packs` are rules that several share.
"""
