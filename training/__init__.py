"""Ground floor: what a run is. Its config and identity, its directory, the loop that trains it, and sweeps of many."""
