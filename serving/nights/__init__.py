"""The night and the queue: the lease of a night, and the transaction that records it.

Here belong the lease, its heartbeat, and the changes that a decision makes to cases. The steps of a night are in
``pipelines.night``.
"""
