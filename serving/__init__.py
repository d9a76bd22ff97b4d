"""What is done with a score: policy, cases, hand-off, delivery, and the review app."""
