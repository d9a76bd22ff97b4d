"""Several sources in one night, each with a name: their tables together, and the accounts that they have in common."""
