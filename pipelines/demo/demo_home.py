"""The folder of a demo: settings, policy, source and queue; and whether a folder may be replaced by a new demo."""

import json
import shutil
import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from features.errors import UsageError
from pipelines.settings import Settings

MARK = "demo.json"
DEMO_SETTINGS = "rescue.toml"
POLICY_FILE = "policy.toml"


class _DemoSettings(Settings):
    """Settings from their file alone: a database in the environment must not get the cases of a demo."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, and nothing else."""
        return (init_settings,)


@dataclass(frozen=True)
class DemoHome:
    """The files of a demo in its folder."""

    folder: Path

    @property
    def source(self) -> Path:
        """The folder of the source's tables."""
        return self.folder / "data"

    @property
    def policy(self) -> Path:
        """The policy file."""
        return self.folder / POLICY_FILE

    @property
    def settings_file(self) -> Path:
        """The ``rescue.toml`` with which every command sees the demo."""
        return self.folder / DEMO_SETTINGS

    def create(self) -> None:
        """Create the folder anew; an earlier demo in it is deleted.

        Raises:
            UsageError: the folder holds something else, or cannot be written.
        """
        if self.folder.is_dir() and any(self.folder.iterdir()):
            if not (self.folder / MARK).is_file():
                raise UsageError(f"{self.folder} holds something else than a demo: give --home another folder.")
            shutil.rmtree(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.folder / MARK).write_text("{}\n", encoding="utf-8")
            self.settings_file.write_text(self._settings_text(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be written: {error.strerror}.") from None

    def write_policy(self, text: str) -> None:
        """Replace the policy file."""
        self.policy.write_text(text, encoding="utf-8")

    def settings(self) -> Settings:
        """The settings of the demo alone: neither the environment nor a ``rescue.toml`` of the user changes it."""
        return _DemoSettings(**tomllib.loads(self.settings_file.read_text(encoding="utf-8")))

    def finish(self, until: date, nights: int, seed: int) -> None:
        """Write what the demo is, once it is complete."""
        text = json.dumps({"until": until.isoformat(), "nights": nights, "seed": seed})
        (self.folder / MARK).write_text(text + "\n", encoding="utf-8")

    def _settings_text(self) -> str:
        folder = self.folder.absolute()
        return (
            "# The settings of the demo. RESCUE_CONFIG=<this file> makes every command use it.\n"
            f"data = {_quoted(folder / 'data')}\n"
            f"home = {_quoted(folder)}\n"
            f"policy = {_quoted(folder / POLICY_FILE)}\n\n"
            '[currency]\ncode = "EUR"\nrates = { USD = 0.92 }\n\n'
            "# A learner that is trained within seconds; without these lines, training compares it with trees.\n"
            '[risks.churn]\nlearner = "logistic"\n[risks.escalation]\nlearner = "logistic"\n\n'
            "# What people would get by mail is written to files here.\n"
            f'[channels.mail]\nkind = "file"\nfolder = {_quoted(folder / "mail")}\nbroadcast = false\n\n'
            '[review]\naddress = "http://127.0.0.1:8000"\n'
        )


def demo_policy() -> str:
    """The policy of the demo as TOML."""
    return files("pipelines.demo").joinpath("policy.toml").read_text(encoding="utf-8")


def demo_until(folder: Path) -> date | None:
    """The day on which the demo in a folder ends; None where there is no complete one."""
    try:
        return date.fromisoformat(json.loads((folder / MARK).read_text(encoding="utf-8"))["until"])
    except (OSError, ValueError, KeyError):
        return None


def _quoted(path: Path) -> str:
    return json.dumps(str(path))
