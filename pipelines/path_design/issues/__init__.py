"""The tiered support flow from ticket history: what tier 1 does not resolve, and criteria known at the opening."""
