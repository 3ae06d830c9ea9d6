"""The drawn world: pictures of coloured shapes and printed words, of which everything that can be asked is known."""
