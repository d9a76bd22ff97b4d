"""Small nights, policies, hand-offs and receivers; nights that are killed."""
