"""Which driver a database needs: from a URL to SQLAlchemy's engine, or to the command that installs what is missing.

The drivers of PostgreSQL, MySQL and MariaDB are extras of Rescue and tested against real servers; SQLite's is part of
Python. Those of the other databases are packages of their own: they are named, and reading goes through SQLAlchemy.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from features.errors import UsageError, extra_command, suggest_name


@dataclass(frozen=True)
class Driver:
    """How a database is read: its name, SQLAlchemy's name of the driver, and what is installed for it."""

    title: str
    drivername: str
    packages: str


_EXTRA = "extra "
_POSTGRES, _MYSQL = f"{_EXTRA}postgres", f"{_EXTRA}mysql"
"""An extra of Rescue in place of a package."""
DRIVERS = {
    "postgresql": Driver("PostgreSQL", "postgresql+psycopg", _POSTGRES),
    "postgres": Driver("PostgreSQL", "postgresql+psycopg", _POSTGRES),
    "mysql": Driver("MySQL", "mysql+pymysql", _MYSQL),
    "mariadb": Driver("MariaDB", "mariadb+pymysql", _MYSQL),
    "sqlite": Driver("SQLite", "sqlite", ""),
    "snowflake": Driver("Snowflake", "snowflake", "snowflake-sqlalchemy"),
    "bigquery": Driver("BigQuery", "bigquery", "sqlalchemy-bigquery"),
    "databricks": Driver("Databricks", "databricks", "databricks-sqlalchemy"),
    "redshift": Driver("Redshift", "redshift+redshift_connector", "sqlalchemy-redshift redshift-connector"),
    "mssql": Driver("SQL Server", "mssql+pymssql", "pymssql"),
    "oracle": Driver("Oracle", "oracle+oracledb", "oracledb"),
    "trino": Driver("Trino", "trino", "'trino[sqlalchemy]'"),
    "clickhouse": Driver("ClickHouse", "clickhousedb", "clickhouse-connect"),
    "clickhousedb": Driver("ClickHouse", "clickhousedb", "clickhouse-connect"),
}
"""By the name that a URL begins with."""

OTHER_SCHEMES = {"sqlserver": "mssql", "pg": "postgresql", "pgsql": "postgresql", "sqlite3": "sqlite"}
"""Names that other tools use in URLs."""

_BY_DRIVER = {
    **{"psycopg2": "psycopg2-binary", "pg8000": "pg8000", "pyodbc": "pyodbc", "pymssql": "pymssql"},
    **{"mysqldb": "mysqlclient", "mysqlconnector": "mysql-connector-python", "mariadbconnector": "mariadb"},
    **{"psycopg": _POSTGRES, "pymysql": _MYSQL, "oracledb": "oracledb", "cx_oracle": "cx_Oracle"},
}
"""The package of a driver that a URL names after a plus sign."""

_ASYNCHRONOUS = frozenset({"asyncpg", "psycopg_async", "aiomysql", "asyncmy", "aiosqlite"})
"""Drivers for programs of another kind."""


def read_url(text: str) -> sa.URL:
    """The URL of a database with the driver by which it is read.

    Raises:
        UsageError: it is no URL of a database that can be read.
    """
    try:
        url = sa.make_url(text)
    except ArgumentError:
        raise UsageError("The source is no database URL: write it as dialect://user:password@host/name.") from None
    backend, _, driver = url.drivername.partition("+")
    if backend in OTHER_SCHEMES:
        right = OTHER_SCHEMES[backend]
        raise UsageError(f"A URL of {DRIVERS[right].title} begins with {right}://, not with {url.drivername}://.")
    if backend == "duckdb":
        raise UsageError("A DuckDB database is given as the path of its file, without duckdb://.")
    if backend not in DRIVERS:
        raise UsageError(f"There is no database {backend!r}; {suggest_name(backend, [*DRIVERS, 's3', 'gs', 'abfs'])}")
    if driver in _ASYNCHRONOUS:
        raise UsageError(f"{DRIVERS[backend].title} is not read through {driver}; begin the URL with {backend}://.")
    return url if driver else url.set(drivername=DRIVERS[backend].drivername)


def create_engine(url: sa.URL) -> sa.Engine:
    """An engine without a pool.

    Raises:
        UsageError: the driver is not installed; the sentence has the command that installs it.
    """
    backend, _, driver = url.drivername.partition("+")
    known = DRIVERS[backend]
    try:
        return sa.create_engine(url, poolclass=sa.NullPool)
    except (NoSuchModuleError, ModuleNotFoundError):
        packages = _BY_DRIVER.get(driver, known.packages)
        extra = packages.removeprefix(_EXTRA)
        command = extra_command(extra) if packages != extra else f"pip install {packages}"
        raise UsageError(f"No driver for {known.title} is installed: run {command}.") from None
    except ImportError as error:
        cause = str(error).splitlines()[0]
        raise UsageError(f"The driver for {known.title} cannot be loaded: {cause.rstrip('.')}.") from None
    except (ArgumentError, TypeError, ValueError) as error:
        cause = str(error).splitlines()[0].rstrip(".")
        raise UsageError(f"The URL of {known.title} is not understood: {cause}.") from None
