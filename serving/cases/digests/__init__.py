"""Morning digests of people: what they report, their text, and when each is written."""
