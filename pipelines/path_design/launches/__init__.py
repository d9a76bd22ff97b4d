"""What fails in a new feature: clusters of its tickets and signals, and triggers for them."""
