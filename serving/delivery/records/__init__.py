"""Records of cases in other systems: one ticket, task or issue for each case, written once and kept up to date.

A system is a small client of its published interface (:class:`~serving.delivery.records.record_system.RecordSystem`).
What is written when, and how a change there is distinguished from a change here, is the same for all of them
(:mod:`serving.delivery.records.record_writer`).
"""
