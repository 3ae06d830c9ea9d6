"""`python -m probe`, and so `accelerate launch -m probe`."""

from probe.cli import main

main()
