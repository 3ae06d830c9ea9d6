"""The words of captions, equal to those of the Java tokenizer in the official caption tools.

From the ground up: `automaton` finds longest matches, `parts` and `rules` are what it looks for, `lower_case` is
Java's, and `tokens` makes words of a caption.
"""
