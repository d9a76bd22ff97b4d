"""Many nights with faults, played beside the same nights without: the soak of operations."""
