"""The files of the folder ``extensions``: Python modules that declare an ``EXTENSION``, and TOML files with risks.

A module is executed under a name of its own, is not importable by others, and registers nothing. Everything that can
go wrong while it runs (a syntax error, a missing package, an exit) becomes one sentence with its line.
"""

import hashlib
import sys
import tomllib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

from features.catalogue import ExtensionFile
from features.errors import UsageError
from features.toml_text import load_toml
from pipelines.extensions.bounded import run_within
from pipelines.extensions.extension import Extension
from pipelines.extensions.rules import ExtensionError, ExtensionRule

LONGEST_LOAD = 60.0
"""Seconds within which a file has to be loaded."""
SUFFIXES = (".py", ".toml")


@dataclass(frozen=True)
class FileContent:
    """One file of the folder: its name as it is shown, its path, and its content."""

    name: str
    path: Path
    content: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def file(self) -> ExtensionFile:
        """What features and models keep of it."""
        return ExtensionFile(self.name, self.digest)


def list_files(folder: Path) -> tuple[FileContent, ...]:
    """The files of the folder that may be extensions, in the order of their names; ``_helpers.py`` is none.

    Raises:
        UsageError: there is no such folder, or a file cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}, which the setting extensions names.")
    return tuple(_contents(folder))


def _contents(folder: Path) -> Iterator[FileContent]:
    for path in sorted(folder.iterdir()):
        if path.suffix not in SUFFIXES or path.name.startswith(("_", ".")) or not path.is_file():
            continue
        name = f"{folder.name}/{path.name}"
        try:
            yield FileContent(name, path, path.read_bytes())
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {error.strerror}.") from None


def read_extension(content: FileContent) -> Extension:
    """What the file declares.

    Raises:
        ExtensionError: it cannot be loaded, or declares nothing that is an extension.
    """
    try:
        return run_within(LONGEST_LOAD, lambda: _read(content))
    except TimeoutError:
        problem = f"it takes longer than {LONGEST_LOAD:.0f} seconds to load."
        raise ExtensionError(content.name, ExtensionRule.TIME, problem) from None


def _read(content: FileContent) -> Extension:
    if content.path.suffix == ".toml":
        return _from_toml(content)
    module = _executed(content)
    declared = getattr(module, "EXTENSION", None)
    if declared is None:
        problem = "it declares no EXTENSION: end it with EXTENSION = Extension(features=[…])."
        raise ExtensionError(content.name, ExtensionRule.DECLARATION, problem)
    if not isinstance(declared, Extension):
        problem = f"EXTENSION is of the type {type(declared).__name__}; it has to be an Extension."
        raise ExtensionError(content.name, ExtensionRule.DECLARATION, problem)
    return declared


def _from_toml(content: FileContent) -> Extension:
    try:
        sections = load_toml(content.content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExtensionError(content.name, ExtensionRule.LOAD, f"it is not TOML: {error}.") from None
    risks = sections.pop("risks", {})
    if sections or not isinstance(risks, dict) or not all(isinstance(risk, dict) for risk in risks.values()):
        other = next(iter(sections), "risks")
        problem = f"it may hold sections [risks.NAME] only, not {other}."
        raise ExtensionError(content.name, ExtensionRule.DECLARATION, problem)
    return Extension(risks=risks)


class _ReadBytes(SourceFileLoader):
    """Executes the very bytes whose digest is recorded, and keeps no bytecode in the operator's folder."""

    def __init__(self, name: str, content: FileContent) -> None:
        super().__init__(name, str(content.path))
        self.content = content.content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.content, self.path)


def _executed(content: FileContent) -> ModuleType:
    """The module of a file, executed; it is listed under its name, where the dataclasses of a module look it up."""
    name = f"rescue_extension_{content.path.stem}_{content.digest[:12]}"
    loader = _ReadBytes(name, content)
    spec = spec_from_loader(name, loader)
    assert spec is not None  # noqa: S101 - a file always has one
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except UsageError as error:
        del sys.modules[name]
        raise ExtensionError(content.name, ExtensionRule.DECLARATION, f"{_line(content, error)}{error}") from error
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        kind = f"{type(error).__name__}: " if not isinstance(error, SyntaxError) else ""
        problem = f"{_line(content, error)}{kind}{_message(error)}."
        raise ExtensionError(content.name, ExtensionRule.LOAD, problem) from error
    return module


def _line(content: FileContent, error: BaseException) -> str:
    """The line of the file at which it failed: "line 12: "."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}: "
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(content.path)]
    return f"line {lines[-1]}: " if lines else ""


def _message(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return " ".join((text or "no message").split()).rstrip(".")
