"""A flow's module reaches nothing: Prefect keeps it until after the interpreter has cleaned up (pipelines.flows)."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import pkgutil, sys
import pipelines.flows

for module in pkgutil.iter_modules(pipelines.flows.__path__):
    __import__(f"pipelines.flows.{module.name}")
print([name for name in ("duckdb", "pyarrow", "pipelines.night.night", "pipelines.settings") if name in sys.modules])
"""


def test_flows_import_what_they_run_when_they_run(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
