"""Prefect flows: thin wrappers of the commands.

This is the only place that imports Prefect. A flow holds no logic of its own; every step also runs without Prefect.

Flows import what they run when they run. Prefect keeps every flow, and its threads outlive the interpreter's clean-up:
what the module of a flow has imported would never be freed, and DuckDB writes "leaked" lines about that into the log.
"""

import os

os.umask(0o077)  # a worker does not start flows through the entry point, and their files hold customers' data as well
