"""Two models on what both were asked: paired differences, and whether they could be chance (`vlm compare`).

From the ground up: `mcnemar`, `randomisation` and `together` are arithmetic; `paired` reads what two models said;
`compare` makes the tables; `screen` and `forest` show them.
"""
