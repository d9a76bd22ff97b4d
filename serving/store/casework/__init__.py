"""What people do for a case beside its state: tasks, contacts, mentions, attachments; tables and queries."""
