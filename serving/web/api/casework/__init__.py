"""The work on a case in the API: tasks, contacts and the contact log, attachments, and mentions."""
