"""From a source that nobody has described to a mapping and settings: what ``rescue init`` proposes, and why.

The proposal is text for people to edit. What is uncertain is said and left out: a column that is silently wrong costs
more than one that is missing.
"""
