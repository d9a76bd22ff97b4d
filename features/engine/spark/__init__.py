"""The same aggregates, grouped by a Spark cluster.

Here belongs everything that needs PySpark, which is imported nowhere else. Results equal those of the embedded engine;
what measures mean and which rows there are is defined by the engine's other modules.
"""
