"""Morning digests of people: their choices about messages, what a digest contains, and when it is written."""
