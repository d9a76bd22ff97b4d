"""The wheel and the source distribution hold every file of the product, and the wheel works away from the checkout."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from support.nights.night_home import NightHome
from support.worlds.earlier_home import unpack_home

PACKAGES = ("features", "models", "serving", "pipelines")
PAGE = """
import sys
from pathlib import Path
import serving
from serving.store import Store
from serving.web import create_app
from serving.web.identity.review_settings import ReviewSettings
assert str(Path(serving.__file__)).startswith(sys.argv[1]), serving.__file__
import warnings
warnings.simplefilter("ignore")
from starlette.testclient import TestClient
with Store(f"sqlite:///{sys.argv[2]}/rescue.db") as store:
    store.migrate()
    app = create_app(store, ReviewSettings(secure_cookies=False))
    from pipelines.cli.commands.review import demo_people
    browser = TestClient(app, client=("127.0.0.1", 1))
    browser.get(app.state.identity.one_time_link(demo_people(store)["lead"]))
    page = browser.get("/queue")
    assert page.status_code == 200, page.text
    assert browser.get("/static/app.css").status_code == 200 or browser.get("/static/rescue.css").status_code == 200
    print(page.text.count("/case/"))
"""


def product_files(root: Path) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=root, capture_output=True, text=True, check=False
    ).stdout
    return {name for name in listed.split("\n") if name and (root / name).is_file()}


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built from a copy of what is tracked."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in [*product_files(root), "pyproject.toml", "README.md", "LICENSE", "rescue.py", "uv.lock"]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, copy / name)
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [str(uv), "build", "--quiet", "--out-dir", str(out)], cwd=copy, capture_output=True, text=True, check=False
    )
    if done.returncode and "setuptools" in done.stderr:
        pytest.skip(f"the build needs setuptools, which cannot be fetched here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return out


def test_both_hold_every_file(built: Path, root: Path) -> None:
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    expected = product_files(root) | {"rescue.py"}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if not re.match(r"rescue-.*\.dist-info/", name)}
    assert in_wheel == expected
    with tarfile.open(source) as archive:
        in_source = {name.partition("/")[2] for name in archive.getnames()}
    assert expected <= in_source
    assert {"pyproject.toml", "README.md", "LICENSE"} <= in_source


def test_the_version_has_one_place(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert importlib.metadata.version("rescue") == version
    written = re.compile(rf"(?<![\d.]){re.escape(version)}(?![\d.])")
    product = [root / name for name in product_files(root) if name.endswith(".py")]
    assert [path.name for path in product if written.search(path.read_text(encoding="utf-8"))] == []


def test_the_wheel_runs_a_night_a_page_and_a_migration_elsewhere(
    built: Path, night_home: NightHome, tmp_path: Path
) -> None:
    installed, home = tmp_path / "installed", night_home.copy(tmp_path / "home")
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("RESCUE_", "PREFECT_", "PYTHON"))
    } | {"PYTHONPATH": str(installed)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("-m", "pipelines", "--version").startswith("rescue ")
    assert "There are no users" in run("-m", "pipelines", "users", "list", "--home", str(tmp_path / "new"))
    day = night_home.first.as_of + timedelta(days=1)
    report = run("-m", "pipelines", "nightly", "--plain", "--data", str(night_home.data), "--home", str(home),
                 "--as-of", str(day), "--json")  # fmt: skip
    assert f'"as_of": "{day}"' in report
    assert int(run("-c", PAGE, str(installed), str(home))) > 0


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_is_installed_into_an_empty_environment(kind: str, built: Path, tmp_path: Path) -> None:
    """With every dependency, as `uv tool install` does: a night, a page, and the upgrade of an earlier home."""
    uv = str(Path(sys.executable).with_name("uv"))
    (package,) = built.glob(kind)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), str(package)], check=True)
    rescue, world, home = str(python.with_name("rescue")), str(tmp_path / "world"), str(tmp_path / "home")
    earlier = unpack_home("0006", tmp_path / "earlier")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RESCUE_", "PYTHON"))}
    for words in (
        (rescue, "--version"),
        (rescue, "simulate", "--accounts", "80", "--out", world, "--months", "18"),
        (rescue, "nightly", "--data", world, "--home", home, "--plain", "--as-of", "2026-07-01"),
        (rescue, "status", "--home", home),
        (str(python), "-c", PAGE, str(tmp_path / "venv"), home),
        (rescue, "queue", "list", "--home", str(earlier.home)),
        (
            rescue,
            "nightly",
            "--data",
            str(earlier.data),
            "--home",
            str(earlier.home),
            "--plain",
            "--as-of",
            "2026-06-25",
        ),
    ):
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
