"""Cases that change hands: hand-off forms, acceptance and return, and what a form is filled with at first."""
