"""Files of others: what models said to a benchmark and what is right of it, in the forms that these are given out in.

`contents` reads JSON and JSON lines; `results` tells forms of predictions from each other, `published` has those of the
public implementation; `references` has the annotation files of data sets, and folders of samples; `coordinates` keeps
boxes in one space. Questions are known by their numbers in the data set, as text (`truth`).
"""
