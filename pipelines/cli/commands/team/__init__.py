"""Commands about people: users, people and their absences, and cases that change hands."""
