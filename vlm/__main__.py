"""`python -m vlm`: the same as `vlm`, for `accelerate launch -m vlm`."""

from vlm.cli import main

main()
