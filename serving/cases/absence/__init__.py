"""Absences of people: entered and withdrawn by people, and read from calendar files and addresses."""
