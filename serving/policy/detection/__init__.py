"""Which accounts the policy may raise tonight, and what working each of them is worth.

Here belong the account table, triggers, hysteresis, alarms of contracts, exclusions, revenue and priority. Capacity,
hold-out and open cases are considered afterwards (``serving.policy.decision``).
"""
