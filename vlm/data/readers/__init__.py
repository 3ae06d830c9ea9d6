"""One file for each data set: its files and fields, and what its samples are."""
