"""Who the simulated accounts are, and how they feel from week to week.

Here belong size, contract habits, satisfaction and hazards. The rows that they leave in the tables are made in
``pipelines.simulator.activity``.
"""
