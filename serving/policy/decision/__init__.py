"""How one night is decided: candidates, detection, hold-out, priority, routing, allocation.

Everything here is a function of scores, the state of the queue and a policy. What a decision does to cases is carried
out in ``serving.nights``.
"""
