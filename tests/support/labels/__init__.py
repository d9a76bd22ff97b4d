"""Labels of hand-drawn timelines, and their slow oracle."""
