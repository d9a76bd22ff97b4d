"""What of an account really ends: one definition for labels, eligibility, features, triggers and hand-offs.

Here belong the versions of contracts, which ending is continued by which contract, and the status of an account as
known at a cutoff. What is predicted, scored or raised because of it belongs to the packages above.
"""
