"""What the queue looks like when a night begins, and what a decision wants changed in it, as data.

Here belong the state of the queue, closures and live figures, and the texts of their codes. How they are decided
belongs to ``serving.policy.decision``.
"""
