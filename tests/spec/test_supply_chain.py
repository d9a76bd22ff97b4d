"""Every package that is installed has a hash in the lock file, a licence that is allowed, and a line in the SBOM."""

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def supply_chain(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply_chain", root / "deploy" / "supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_locked_file_has_a_hash(root: Path) -> None:
    locked = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))["package"]
    others = [package for package in locked if package["source"] != {"editable": "."}]
    assert len(others) > 100
    assert {str(package["source"]) for package in others if "registry" not in package["source"]} == set()
    files = [file for package in others for file in (*package.get("wheels", ()), *filter(None, [package.get("sdist")]))]
    assert [file["url"] for file in files if not file["hash"].startswith("sha256:")] == []


def test_every_licence_is_allowed(supply_chain: ModuleType) -> None:
    names = supply_chain.locked_packages()
    licences = {name: text for name in names if (text := supply_chain.licence_of(name)) is not None}
    assert len(licences) > 100
    assert supply_chain.not_allowed(licences) == {}


@pytest.mark.parametrize("text", ["unknown", "GNU Affero General Public License v3", "Proprietary", "BUSL-1.1", "SSPL"])
def test_a_licence_that_is_not_allowed_is_found(supply_chain: ModuleType, text: str) -> None:
    assert supply_chain.not_allowed({"x": text, "y": "MIT License"}) == {"x": text}


def test_the_bill_of_materials_names_every_package_with_its_hash(supply_chain: ModuleType, root: Path) -> None:
    content = json.loads(supply_chain.export(root, "cyclonedx1.5", "--all-extras"))
    assert (content["bomFormat"], content["specVersion"]) == ("CycloneDX", "1.5")
    components = {component["name"].lower(): component for component in content["components"]}
    assert set(supply_chain.locked_packages()) <= components.keys()
    for name, component in components.items():
        assert component["purl"].startswith("pkg:pypi/"), name
        files = component.get("externalReferences", [])
        assert any(hashed["alg"] == "SHA-256" for file in files for hashed in file.get("hashes", [])), name
