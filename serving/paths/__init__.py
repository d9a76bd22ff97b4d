"""Working time and durations: when a deadline is, by the clock or by the calendar of the people who have to act.

Pure: no store, no network, and no clock of its own. SLA timers and the policy's explanation use it.
"""
