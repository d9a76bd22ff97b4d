"""The one reader of ``rescue.toml`` and the environment.

Where a value is given twice, the command line wins over the environment (``RESCUE_…``), and the environment over
``rescue.toml`` in the current folder (or the file that ``RESCUE_CONFIG`` names). No other module reads either.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from features.catalogue import Attribute, Metric
from features.contract import Column
from features.engine.memory_size import MIN_DUCKDB_BYTES, parse_size
from features.errors import UsageError, suggest_name
from features.validation.tolerance import Tolerance
from features.validation.values.reading_rules import NO_DATES, check_words
from features.validation.volume import check_least_rows
from pipelines.environment import EnvironmentSource, environment_values, origin_of, set_defaults_of_libraries
from pipelines.setting_sections.attribute_settings import AttributeSettings, check_attribute_columns
from pipelines.setting_sections.currency_settings import CurrencySettings
from pipelines.setting_sections.metric_settings import MetricSettings
from pipelines.setting_sections.monitoring_settings import MonitoringSettings
from pipelines.setting_sections.settings_errors import SENTENCE, explain_setting_error, explain_unreadable
from pipelines.setting_sections.source_settings import (
    GivenData,
    SourceSettings,
    check_sources,
    named_sections,
    read_data_option,
)
from pipelines.setting_sections.sync_settings import SyncSettings
from pipelines.setting_sections.ticket_attribute_settings import (
    TicketAttributeSettings,
    attributes_of_mapping,
    check_ticket_columns,
)
from serving.signals.signal_settings import SignalSettings
from serving.web.identity.review_settings import ReviewSettings

Promote = Literal["gate", "never"]
REFRESH_MARGIN = 0.03
"""By how much of AUC within a night a refresh may be worse: docs/decisions/0018 has the error rates behind it."""
MetricKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def _check_tolerance(tolerance: float | dict[str, Any]) -> None:
    Tolerance.from_settings(tolerance if isinstance(tolerance, dict) else {"default": tolerance})


def _check_risks(risks: dict[str, dict[str, Any]]) -> None:
    if risks:
        from models.risks.configuration import check_risk_settings  # only here: the import takes a second

        check_risk_settings(risks)


CHECKS: Mapping[str, Callable[[Any], object]] = {
    "sources": check_sources,
    "tolerance": _check_tolerance,
    "least_rows": check_least_rows,
    "words": check_words,
    "risks": _check_risks,
    "attributes": check_attribute_columns,
    "ticket_attributes": check_ticket_columns,
}
"""By setting, what raises a ``UsageError`` where its value cannot be used."""


class Settings(BaseSettings):
    """Everything an operator can set; the fields are the keys of ``rescue.toml``."""

    model_config = SettingsConfigDict(env_prefix="RESCUE_", env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = Field(Path(".rescue"), description="Folder of the queue, the model store and each night's report.")
    data: str = Field("data_samples", description="The source: a folder, a DuckDB file or a database URL.")
    sources: dict[str, SourceSettings] = Field(
        default_factory=dict,
        description="Several sources instead of one, by name, e.g. [sources.crm] data = 'exports/crm'.",
    )
    sync: dict[str, SyncSettings] = Field(
        default_factory=dict,
        description="Systems that `rescue sync` reads, by name, e.g. [sync.helpdesk] kind = 'zendesk'.",
    )
    mapping: Path | None = Field(
        None,
        description="Folder of <table>.sql files that map the source's own tables, or a mapping that Rescue brings, "
        "such as zendesk/fivetran.",
    )
    policy: Path | None = Field(None, description="The policy file. Default: the policy of Rescue.")
    database: str | None = Field(None, description="URL of the queue's database; SQLite in the home folder by default.")
    tracking: str | None = Field(None, description="MLflow's tracking URI; SQLite in the home folder by default.")
    engine: Literal["duckdb", "spark"] = Field("duckdb", description="What computes the features.")
    spark_master: str = Field("local[2]", description="Spark's master, where engine is spark.")
    spark_settings: dict[str, str] = Field(
        default_factory=dict, description="Spark's own settings, e.g. [spark_settings] 'spark.executor.memory' = '8g'."
    )
    spark_tables: dict[str, str] = Field(
        default_factory=dict,
        description="Tables that the cluster reads itself in place of `data`, where engine is spark: by table of the "
        "contract a name in its catalog or a place, e.g. [spark_tables] accounts = 'main.crm.accounts', "
        "tickets = 'delta:/lake/tickets'.",
    )
    spark_quarantine: str | None = Field(
        None,
        description="Folder or store for bad rows that every executor can write, where engine is spark. "
        "Default: the night's folder.",
    )
    optional: tuple[str, ...] = Field(
        (), description="Optional features to use: text (what tickets say), last_year (usage in the same weeks)."
    )
    memory: str = Field(
        "4GiB", description="What the engine may use; accounts beyond it are computed by ranges, with the same result."
    )
    calendar_hosts: tuple[str, ...] = Field(
        (), description="Hosts inside your network from which calendars of absences may be read."
    )
    timezone: str = Field("UTC", description="Time zone in which a night's day begins, such as Europe/Berlin.")
    stale_after: int = Field(
        3, ge=0, description="Days without a new row after which a night stops, unless --as-of asks for its day."
    )
    tolerance: float | dict[str, float | dict[str, float]] = Field(
        0.05,
        description="Share of a table in quarantine above which a night stops; also by table and rule, "
        "e.g. [tolerance] default = 0.05, invoices = 0.1, 'invoices.unknown_account' = 0.3.",
    )
    least_rows: dict[str, float] = Field(
        default_factory=dict,
        description="Share of its usual rows that a table needs for a night, 0.7 by default, e.g. [least_rows] "
        "usage_daily = 0 where it is gone for good.",
    )
    words: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Your own words for those of the contract, e.g. [words.priority] Panic = 'urgent'.",
    )
    no_dates: tuple[date, ...] = Field(NO_DATES, description="Days that mean that there is no date.")
    currency: Annotated[CurrencySettings | None, NoDecode] = Field(
        None,
        description="The currency of money without one, such as EUR; with rates into it: [currency] code = 'EUR', "
        "[currency.rates] USD = 0.92.",
    )
    competitors: tuple[str, ...] = Field((), description="Names of competitors, which tickets are searched for.")
    catch_up: int = Field(7, ge=0, description="At most so many missed nights are run by --catch-up.")
    promote: Promote = Field(
        "gate", description="Whether a newly trained model meets the gate at once, or never without `rescue promote`."
    )
    refresh_margin: float = Field(
        REFRESH_MARGIN,
        ge=0.005,
        le=0.1,
        description="By how much of AUC within a night a refresh (the same recipe on newer data) may be worse.",
    )
    risks: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Label settings by risk, e.g. [risks.churn] kind = 'silence'."
    )
    metrics: dict[MetricKey, MetricSettings] = Field(
        default_factory=dict, description="Your own numbers in the table metrics, e.g. [metrics.nps] higher = 'good'."
    )
    attributes: dict[MetricKey, AttributeSettings] = Field(
        default_factory=dict, description="Your own columns of the accounts, e.g. [attributes.plan] kind = 'category'."
    )
    ticket_attributes: dict[MetricKey, TicketAttributeSettings] = Field(
        default_factory=dict,
        description="Your own columns of tickets, which kinds of tickets in a policy and `rescue paths map` use, e.g. "
        "[ticket_attributes.symptom] constant = true.",
    )
    extensions: Path | None = Field(
        None,
        description="Folder of your own features, tables, risks and learners. Default: the folder `extensions` beside "
        "rescue.toml, where there is one.",
    )
    extensions_required: bool = Field(
        True, description="Whether an extension that cannot be used stops a command, or is left out with a warning."
    )
    extensions_off: tuple[str, ...] = Field((), description="Names of files in that folder that are not used.")
    channels: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Where hand-offs and messages go, by name: [channels.desk] kind = 'email'."
    )
    operations: tuple[str, ...] = Field(
        (),
        description="Names of channels for messages to whoever runs Rescue: failed, stopped and missing nights, late "
        "feeds, messages that could not be delivered.",
    )

    monitoring: MonitoringSettings = Field(
        default_factory=MonitoringSettings,
        description="When a model is trained again, e.g. [monitoring] retrain = 'when_needed'.",
    )
    signals: SignalSettings = Field(
        default_factory=SignalSettings,
        description="Signals of monitoring systems: their secret and how long they are kept, e.g. [signals] keep_days.",
    )
    review: ReviewSettings = Field(
        default_factory=ReviewSettings, description="The review app: who signs in how, e.g. [review] auth = 'oidc'."
    )

    @field_validator(*CHECKS)
    @classmethod
    def _checked(cls, value: Any, info: ValidationInfo) -> Any:
        CHECKS[str(info.field_name)](value)
        return value

    @field_validator("memory")
    @classmethod
    def _size(cls, memory: str) -> str:
        if parse_size(memory) < MIN_DUCKDB_BYTES:
            raise UsageError(f"{memory!r} is too little memory: {MIN_DUCKDB_BYTES // 2**20}MiB is the least.")
        return memory

    @field_validator("timezone")
    @classmethod
    def _zone(cls, timezone: str) -> str:
        if timezone not in available_timezones():
            hint = suggest_name(timezone, available_timezones())
            raise UsageError(f"The setting timezone cannot be {timezone!r}; {hint}")
        return timezone

    @field_validator("currency", mode="before")
    @classmethod
    def _currency(cls, currency: object) -> object:
        return {"code": currency} if isinstance(currency, str) else currency

    @field_validator("*", mode="wrap")
    @classmethod
    def _located(cls, value: object, validate: ValidatorFunctionWrapHandler) -> object:
        """Our own sentences as errors of their setting, so that `load` can name the file that it is in."""
        try:
            return validate(value)
        except UsageError as error:
            raise PydanticCustomError(SENTENCE, "{sentence}", {"sentence": str(error)}) from None

    @property
    def source_places(self) -> dict[str, str]:
        """Where sources with names are, or tables that a cluster reads; empty where there is one source."""
        return self.spark_tables or {name: source.data for name, source in self.sources.items()}

    @property
    def source_text(self) -> str:
        """The source in messages; of several, each with its name, but of tables of a cluster only the first."""
        places = [f"{name} ({place})" for name, place in self.source_places.items()]
        if self.spark_tables and len(places) > 1:
            return f"{places[0]} and {len(places) - 1} more tables" if len(places) > 2 else " and ".join(places)
        return ", ".join(places) or self.data

    @property
    def row_tolerance(self) -> Tolerance:
        """How much of each table may be in quarantine."""
        values = self.tolerance if isinstance(self.tolerance, dict) else {"default": self.tolerance}
        return Tolerance.from_settings(values)

    @property
    def declared_metrics(self) -> tuple[Metric, ...]:
        """The metrics that features are made of, in the order of their keys."""
        return tuple(metric.declared(key) for key, metric in sorted(self.metrics.items()))

    @property
    def declared_attributes(self) -> tuple[Attribute, ...]:
        """The columns of the accounts that features are made of, in the order of their keys."""
        return tuple(settings.attribute(key) for key, settings in sorted(self.attributes.items()))

    @property
    def declared_ticket_columns(self) -> tuple[Column, ...]:
        """A company's own columns of tickets, those of these settings before those of the mappings."""
        mappings = [*(it.mapping for it in self.sources.values()), self.mapping]
        given = {key: it for mapping in mappings for key, it in attributes_of_mapping(mapping).items()}
        every = {**given, **self.ticket_attributes}
        check_ticket_columns(every)
        return tuple(settings.entry(key) for key, settings in sorted(every.items()))

    @property
    def extensions_folder(self) -> Path | None:
        """The folder of extensions: the one that is set, or ``extensions`` beside an existing ``rescue.toml``."""
        if self.extensions is not None:
            return self.extensions
        beside = config_file().with_name("extensions")
        return beside if config_file().is_file() and beside.is_dir() else None

    @property
    def database_url(self) -> str:
        """The queue's database: the one that is set, or SQLite in the home folder."""
        return self.database or f"sqlite:///{(self.home / 'rescue.db').absolute()}"

    @property
    def tracking_uri(self) -> str:
        """The model store: the one that is set, or MLflow's SQLite store in the home folder."""
        return self.tracking or f"sqlite:///{(self.home / 'mlflow.db').absolute()}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, then environment, then the file."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, EnvironmentSource(settings_cls), file


def config_file() -> Path:
    """The file of the settings, which need not exist."""
    return Path(os.environ.get("RESCUE_CONFIG", "rescue.toml"))


def load(**given: object) -> Settings:
    """The settings, with those given on the command line on top; ``None`` means not given.

    Raises:
        UsageError: a key is unknown or a value does not fit; the sentence names it.
    """
    set_defaults_of_libraries()
    config = os.environ.get("RESCUE_CONFIG")
    if config and not Path(config).is_file():
        raise UsageError(f"RESCUE_CONFIG names {config}, which is not a file.")
    data, mapping = read_data_option(given.get("data")), read_data_option(given.get("mapping"), "--mapping")
    only = given.get("sources")
    given |= {"data": data.single, "mapping": mapping.single, "sources": only or named_sections(data, mapping)}
    try:
        loaded = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        return _chosen_sources(loaded, data, given["sources"], only if isinstance(only, Mapping) else loaded.sources)
    except ValidationError as error:
        text = explain_setting_error(error, Settings.model_fields)
        place = _place_of([str(part) for part in error.errors()[0]["loc"]], given)
        raise UsageError(f"{place}: {text}" if place else text) from None
    except (SettingsError, RecursionError, ValueError) as error:
        raise UsageError(explain_unreadable(error, config_file(), lambda field: _place_of([field], {}))) from None


def _place_of(path: Sequence[str], given: Mapping[str, object]) -> str | None:
    """Where the value of a setting comes from: its variables or the file; ``None`` for the command line."""
    if given.get(path[0]) is not None:
        return None
    variables = origin_of(path, environment_values(Settings.model_fields))
    file = str(config_file()) if config_file().is_file() else None
    return variables or file


def _chosen_sources(settings: Settings, given: GivenData, sections: object, names: Collection[str]) -> Settings:
    """The settings with the sources ``names``, or without any where the command line gives one without a name.

    ``sections`` are those given on the command line or in code, which stand above the file's.

    Raises:
        UsageError: the file has both a source without a name and sources with names.
    """
    if given.single is not None:
        return settings.model_copy(update={"sources": {}, "spark_tables": {}})
    if given.named or (sections and "data" not in settings.model_fields_set):
        named = {name: settings.sources[name] for name in names}
        return settings.model_copy(update={"sources": named, "spark_tables": {}})
    if settings.spark_tables and (settings.sources or "data" in settings.model_fields_set):
        raise UsageError("There are tables of a cluster (spark_tables) and another source (data): keep one of both.")
    if settings.sources and "data" in settings.model_fields_set:
        raise UsageError(f"There is one source (data = {settings.data!r}) and several in [sources]: keep one of both.")
    return settings
