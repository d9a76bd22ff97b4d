"""The same aggregates, grouped by a Spark cluster.

Here belongs what needs PySpark, which is imported nowhere else. Results equal those of the embedded engine.
"""
