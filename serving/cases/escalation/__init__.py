"""How changes of a case move its escalation path and are announced: context, progress, messages, clock, page."""
