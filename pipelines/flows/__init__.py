"""Prefect flows: thin wrappers of the commands.

This is the only place that imports Prefect. A flow holds no logic of its own; every step also runs without Prefect.
"""

import os

os.umask(0o077)  # a worker does not start flows through the entry point, and their files hold customers' data as well
