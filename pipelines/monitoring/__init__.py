"""Is Rescue still right? Feeds, drift, realised outcomes and the effect of rescues.

Here belongs what looks back on recorded nights. Nothing here changes a score or a case.
"""
