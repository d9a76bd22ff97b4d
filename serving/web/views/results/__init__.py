"""What leads and analysts see: the overview, escalation paths in figures, and the policy."""
