"""One night and the queue: its lease, and the one transaction that records it.

Here belong the lease, its heartbeat, and what a decision does to cases. The steps before it are in
``pipelines.night``.
"""
