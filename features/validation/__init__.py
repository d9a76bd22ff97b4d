"""Every row of a source is checked against the data contract before anything is computed from it.

Here belong the rules, the types, duplicates, the quarantine, the report, and the cache of validation results:
rows in = accepted + duplicates + quarantined. What accepted rows mean does not belong here.
"""
