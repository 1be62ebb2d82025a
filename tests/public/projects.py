"""Projects on PyPI: where each has its chain, and what a person would write to run it."""

from __future__ import annotations

from dataclasses import dataclass

# A section with loggers, since some env.py configure logging from the file that they are given.
_LOGGERS = """[loggers]
keys = root
[handlers]
keys = none
[formatters]
keys =
[logger_root]
level = ERROR
handlers = none
[handler_none]
class = NullHandler
args = ()
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A project on PyPI and its chain; in the texts `{site}` is site-packages.

    `ini` is its own alembic.ini; a `script` is the chain of a project whose programs make Alembic's configuration
    themselves, with the `options` that they give it. `alembic` is what stands in `[alembic]` of environments.toml, and
    `variables` in `[alembic.env]`; both name the database as there. `stamp` is its version table. `plainly` is the
    program with which its people run Alembic on `{target}`, if they do not call it from Python. `models` is code that
    makes all tables with `create_all()` in the database `url`.

    `kinds` are the kinds of databases that the chain is for, `driver` is what its people use for PostgreSQL.

    `baseline` are the models from which archmig works out what was there before the first revision. `files` are files
    beside environments.toml. With `examples`, so many random drifted databases are tried too; `written` are columns, as
    TABLE.COLUMN, that its own revisions give other values.
    """

    package: str
    version: str
    models: str
    ini: str = ""
    script: str = ""
    options: str = ""
    extras: tuple[str, ...] = ()
    alembic: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    section: str = "alembic"
    stamp: str = "alembic_version"
    plainly: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    baseline: str = ""
    examples: int = 0
    written: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("sqlite",)
    driver: str = "psycopg2"

    def text_of_ini(self, location: str) -> str:
        """The alembic.ini of a project that has none: its script_location, and a URL that env.py may read."""
        lines = f"script_location = {location}\npath_separator = os\nsqlalchemy.url = {{url}}\n{self.options}"
        return f"[alembic]\n{lines}{_LOGGERS}"


_CREATE = "from sqlalchemy import create_engine\n{imports}\n{metadata}.create_all(create_engine(url))\n"


def metadata(imports: str, name: str) -> str:
    """Code that makes the tables of a metadata, which is called `name` after the imports."""
    return _CREATE.replace("{imports}", imports).replace("{metadata}", name)


def before(code: str, folder: str) -> tuple[tuple[str, str], ...]:
    """An env.py that does what the project's program does before it runs Alembic, and then runs the project's."""
    return (("chain/env.py", f"import runpy\n{code}\nrunpy.run_path('{folder}/env.py')\n"),)


_APPLICATION = """import os
from flask import Flask
from flask_migrate import Migrate
from ihatemoney.models import db
app = Flask("models")
app.config["SQLALCHEMY_DATABASE_URI"] = url
db.init_app(app)
"""
_IHATEMONEY = "IHATEMONEY_DATABASE"
_KEYSTONE = "{site}/keystone/common/sql/migrations"
_BRANCHES = ":".join(
    [
        f"{_KEYSTONE}/versions",
        *(
            f"{_KEYSTONE}/versions/{release}/{branch}"
            for release in ("yoga", "bobcat", "2024.1", "2025.2", "2026.1")
            for branch in ("expand", "contract")
        ),
    ]
)
# Its env.py runs where a worker of AnyIO has called it, as the program `prefect` does.
_IN_WORKER = """import anyio
import runpy
async def run():
    await anyio.to_thread.run_sync(runpy.run_path, "{site}/prefect/server/database/_migrations/env.py")
anyio.run(run)
"""
# As its own program gives env.py the URL.
_ASYNCHRONOUSLY = """import sys
from alembic import command
from alembic.config import Config
ini, path, target = sys.argv[1:]
config = Config(ini)
config.set_main_option("sqlalchemy.url", f"sqlite+aiosqlite:///{path}")
command.upgrade(config, target)
"""
# As its own program gives env.py the connection.
_GIVEN = _ASYNCHRONOUSLY.replace(
    """config.set_main_option("sqlalchemy.url", f"sqlite+aiosqlite:///{path}")
command.upgrade(config, target)
""",
    """from sqlalchemy import create_engine
with create_engine(f"sqlite:///{path}").connect() as config.attributes["connection"]:
    command.upgrade(config, target)
    config.attributes["connection"].commit()
""",
)
_PGADMIN = """import builtins, os, sys
sys.path.insert(0, "{site}/pgadmin4")
builtins.SERVER_MODE = True
import config
from flask import Flask
from flask_babel import Babel
from flask_migrate import Migrate
from pgadmin.model import SCHEMA_VERSION, db
config.SETTINGS_SCHEMA_VERSION = SCHEMA_VERSION
app = Flask("pgadmin")
app.config.from_object(config)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["PGADMIN_URL"]
app.config["SECRET_KEY"] = app.config["SECURITY_PASSWORD_SALT"] = "x"
db.init_app(app)
Babel(app)
Migrate(app, db)
"""
_OSLO = (("OS_DATABASE__CONNECTION", "{url}"),)
PROJECTS = (
    Project(
        "ihatemoney",
        "7.2.1",
        f"{_APPLICATION}with app.app_context():\n    db.create_all()\n",
        ini="ihatemoney/migrations/alembic.ini",
        alembic='app = "ihatemoney.run:create_app"',
        variables=(("IHATEMONEY_SETTINGS_FILE_PATH", "{folder}/ihatemoney.cfg"), (_IHATEMONEY, "{url}")),
        # Its create_app() upgrades the database to the head: only an application without that can stop before.
        plainly=("flask", "--app", "app", "db", "upgrade", "-d", "{site}/ihatemoney/migrations", "{target}"),
        files=(
            ("ihatemoney.cfg", f"import os\nSQLALCHEMY_DATABASE_URI = os.environ['{_IHATEMONEY}']\n"),
            ("app.py", _APPLICATION.replace("= url", f"= os.environ['{_IHATEMONEY}']") + "Migrate(app, db)\n"),
        ),
    ),
    Project(
        "jupyterhub",
        "6.1.1",
        metadata("from jupyterhub import orm", "orm.Base.metadata"),
        script="{site}/jupyterhub/alembic",
        baseline="jupyterhub.orm:Base.metadata",
    ),
    Project(
        "mlflow",
        "3.17.2",
        metadata(
            "from mlflow.store.db.base_sql_model import Base\nimport mlflow.store.tracking.dbmodels.models\n"
            "import mlflow.store.model_registry.dbmodels.models",
            "Base.metadata",
        ),
        script="mlflow:store/db_migrations",
        baseline="mlflow.store.tracking.dbmodels.initial_models:Base.metadata",
    ),
    Project(
        "buildbot",
        "4.3.0",
        metadata("from buildbot.db.model import Model", "Model.metadata"),
        ini="buildbot/db/migrations/alembic.ini",
        baseline="buildbot.db.model:Model.metadata",
    ),
    Project(
        "glance",
        "33.0.0",
        metadata("from glance.db.sqlalchemy import models", "models.BASE.metadata"),
        script="{folder}/chain",
        options="version_locations = {site}/glance/db/sqlalchemy/alembic_migrations/versions\n",
        variables=_OSLO,
        files=before(
            "from oslo_config import cfg\nimport glance.db\ncfg.CONF([], project='glance', default_config_files=[])",
            "{site}/glance/db/sqlalchemy/alembic_migrations",
        ),
    ),
    Project(
        "keystone",
        "30.0.0",
        metadata("from keystone.common.sql import core\nimport keystone.server.backends", "core.ModelBase.metadata"),
        script="{folder}/chain",
        options=f"version_locations = {_BRANCHES}\n",
        files=before(
            "from keystone import conf\nconf.configure()\nconf.CONF([], project='keystone', default_config_files=[])",
            _KEYSTONE,
        ),
    ),
    Project(
        "aim",
        "3.29.1",
        metadata("from aim.storage.structured.sql_engine.models import Base", "Base.metadata"),
        ini="aim/storage/migrations/alembic.ini",
        variables=(("AIM_RUN_META_DATA_DB_URL", "{url}"),),
    ),
    Project(
        "prefect",
        "3.9.1",
        metadata("from prefect.server.database.orm_models import Base", "Base.metadata"),
        script="{folder}/chain",
        options="version_locations = {site}/prefect/server/database/_migrations/versions/sqlite\n",
        files=(("chain/env.py", _IN_WORKER),),
        variables=(("PREFECT_API_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:///{path}"),),
        plainly=("prefect", "server", "database", "upgrade", "-y", "-r", "{target}"),
    ),
    Project(
        "optuna",
        "5.0.0",
        metadata("from optuna.storages._rdb.models import BaseModel", "BaseModel.metadata"),
        script="{site}/optuna/storages/_rdb/alembic",
        kinds=("sqlite", "postgresql"),
        examples=60,
        # An infinity becomes NULL, and its kind a word.
        written=("trial_values.value", "trial_values.value_type", "trial_intermediate_values.intermediate_value"),
    ),
    Project(
        "arize-phoenix",
        "20.26.1",
        metadata("from phoenix.db.models import Base", "Base.metadata"),
        script="{site}/phoenix/db/migrations",
        plainly=("python", "-c", _ASYNCHRONOUSLY, "{folder}/alembic.ini", "{path}", "{target}"),
        examples=40,
    ),
    Project(
        "apache-airflow-core",
        "3.3.2",
        metadata(
            "from airflow.models.base import Base\nimport airflow.models\nairflow.models.import_all_models()",
            "Base.metadata",
        ),
        script="{site}/airflow/migrations",
        variables=(("AIRFLOW_HOME", "{folder}"), ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "{url}")),
        examples=10,
    ),
    Project(
        "pgadmin4",
        "9.18",
        "from app import app, db\nwith app.app_context():\n    db.create_all()\n",
        ini="pgadmin4/migrations/alembic.ini",
        # Its own program makes an application that asks for a server of PostgreSQL, which no revision needs.
        alembic='app = "app:app"',
        variables=(
            ("PGADMIN_URL", "{url}"),
            ("SQLITE_PATH", "{path}"),
            ("PGADMIN_SETUP_EMAIL", "somebody@example.com"),
            ("PGADMIN_SETUP_PASSWORD", "something"),
        ),
        plainly=("flask", "--app", "app", "db", "upgrade", "-d", "{site}/pgadmin4/migrations", "{target}"),
        files=(("app.py", _PGADMIN),),
    ),
    Project(
        "aiida-core",
        "2.9.4",
        metadata("from aiida.storage.sqlite_zip.models import SqliteBase", "SqliteBase.metadata"),
        script="{site}/aiida/storage/sqlite_zip/migrations",
        plainly=("python", "-c", _GIVEN, "{folder}/alembic.ini", "{path}", "{target}"),
    ),
    Project(
        "skypilot",
        "0.14.1",
        metadata("from sky.global_user_state import Base", "Base.metadata"),
        ini="sky/setup_files/alembic.ini",
        section="state_db",
        kinds=("sqlite", "postgresql"),
        stamp="alembic_version_state_db",
    ),
)
