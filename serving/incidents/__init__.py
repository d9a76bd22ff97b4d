"""Incidents: what signals add up to, from the first full window to the quiet after the last signal.

Finding incidents, their record, their escalation and what people do to them belong here. Taking in signals does not
(``serving.signals``), nor does the definition of ``[incidents.NAME]`` (``serving.policy.definition.incidents``).
"""
