"""The import contracts hold, and they refuse what they claim to refuse: forbidden imports are planted one at a time."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("features", "models", "serving", "pipelines")
HEAVY = {"lightgbm", "mlflow", "prefect", "sklearn", "pandas", "matplotlib", "pyspark", "fastapi"}

POLICY = "serving/policy/decision/decide.py"
PLANTED = [
    (POLICY, "import features.history.history"),
    (POLICY, "import features.engine.cube"),
    (POLICY, "import models.promotion.gate"),
    (POLICY, "import serving.store.tables"),
    (POLICY, "import serving.web.app"),
    (POLICY, "import httpx"),
    ("models/promotion/gate.py", "import sqlalchemy"),
    ("models/reports/model_card.py", "import mlflow"),
    ("features/frame.py", "import models.risks.risk"),
    ("serving/web/app.py", "import models.training"),
    ("pipelines/night/night.py", "import prefect"),
    ("features/validation/rules.py", "import features.engine.cube"),
]


def check_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copied(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product's code, in which imports can be planted."""
    folder = tmp_path_factory.mktemp("planted")
    for package in PACKAGES:
        shutil.copytree(
            root / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.j2", "static")
        )
    shutil.copy(root / "pyproject.toml", folder)
    return folder


def test_the_contracts_hold_in_the_copy(copied: Path) -> None:
    """Without this, a planted import could be refused for another reason."""
    found = check_imports(copied)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(("module", "statement"), PLANTED, ids=[f"{m}: {s}" for m, s in PLANTED])
def test_a_planted_import_is_refused(module: str, statement: str, copied: Path) -> None:
    path = copied / module
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n{statement}\n", encoding="utf-8")
    try:
        found = check_imports(copied)
    finally:
        path.write_text(before, encoding="utf-8")
    assert found.returncode == 1
    importer = module.removesuffix(".py").replace("/", ".")
    assert importer in found.stdout.split("Broken contracts")[1]


def loaded_by(statement: str, root: Path) -> set[str]:
    """The heavy libraries that a fresh process has loaded after a statement."""
    code = f"import sys; {statement}; print(' '.join({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["features.catalogue", "features.contract", "models.contracts", "serving.contracts", "pipelines.cli.app"]
)
def test_what_every_command_imports_is_light(module: str, root: Path) -> None:
    assert loaded_by(f"import {module}", root) == set()
