"""What simulated accounts do: one kind of row per file.

Here belong contracts, usage, tickets, health scores and invoices, and the words of their texts.
"""
