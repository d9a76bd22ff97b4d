"""What comes back from other systems: a record of a case that was closed, assigned or commented on there."""
