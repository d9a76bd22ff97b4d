"""Learning: from a frame and its labels to a risk number that can be trusted."""
