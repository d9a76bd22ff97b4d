"""The work on a case beside its state: tasks, the contact log, attachments, outcomes and what became of them."""
