"""Configuration of a chain: where its alembic.ini is, and what its env.py needs to run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What stands for the database in the values of `x` and of `variables`.
URL, PATH = "{url}", "{path}"
# The engine to which env.py gives no name (`engine_name=""`), as Flask-Migrate's does with an application's own one.
UNNAMED = "default"


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """How a chain is configured; all paths are absolute.

    `ini` is the chain's alembic.ini, or the pyproject.toml of a chain without one. `root` is the folder from which
    Alembic is run. `toml` is a pyproject.toml with a [tool.alembic] table, `section` the section of `ini` that Alembic
    reads (`alembic -n`). `x` are arguments as `alembic -x` takes them, `variables` environment variables for the
    chain's code. `app` is a Flask application ("module:create_app") whose context env.py needs, `engine` the database
    of this environment in an env.py for several databases.

    `baseline` makes what is there before the first revision, or after the revision `baseline_at`: it is the path of an
    SQL script or of a database, or a function of the chain's code ("module:function"); empty if the chain has none.

    `replaces` are revisions with the ids that they stand for and that the chain does not have any more, as a revision's
    own `replaces` has them.

    `versions` are folders of revisions that take the place of those that the chain's configuration names.

    `kind` is the kind of database that the chain is replayed on. Where that has servers, `release` is the major version
    of the one to use, `schema` what is read of its databases, `server` a URL of a database on it, `offered` that of a
    server on which empty databases may be made, and `scratch` how to connect to the empty database of a replay.

    `places` are real paths of files whose opening means the database of the run, whichever file that is: a copy, or the
    scratch database of a replay.
    """

    ini: Path
    root: Path
    toml: Path | None = None
    section: str = "alembic"
    x: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    app: str = ""
    engine: str = ""
    baseline: str = ""
    baseline_at: str = "base"
    replaces: tuple[tuple[str, tuple[str, ...]], ...] = ()
    versions: tuple[Path, ...] = ()
    places: tuple[Path, ...] = field(default=(), compare=False)
    kind: str = "sqlite"
    release: str = ""
    schema: str = ""
    server: str = field(default="", compare=False, repr=False)
    offered: str = field(default="", compare=False, repr=False)
    scratch: str = field(default="", compare=False, repr=False)

    @property
    def is_function(self) -> bool:
        """Whether the baseline is made by a function of the chain's code, and not from a file."""
        return not self.baseline.startswith("/")

    def made_by(self, baseline: str, at: str = "base") -> ChainConfig:
        """Return the same configuration with another baseline."""
        return replace(self, baseline=baseline, baseline_at=at)

    def filled(self, database: Path) -> ChainConfig:
        """Return the same configuration with `{url}` and `{path}` replaced by those of a database.

        That is a file, or the scratch database on a server.
        """
        url = self.url_of(database)

        def fill(value: str) -> str:
            return value.replace(URL, url).replace(PATH, str(database))

        variables = tuple((name, fill(value)) for name, value in self.variables)
        return replace(self, x=tuple(map(fill, self.x)), variables=variables, places=(database, *self.places))

    def url_of(self, database: Path, driver: str = "") -> str:
        """Return the URL by which env.py opens a database; a server's is lent to it, so that none is named."""
        scheme = f"{self.kind}+{driver}" if driver else self.kind
        return f"{scheme}:///{database}" if self.kind == "sqlite" else f"{scheme}:///archmig"

    def on(self, kind: str, release: str, schema: str, server: str) -> ChainConfig:
        """Return the same configuration for a kind of database, a version of its server and a schema."""
        return replace(self, kind=kind, release=release, schema=schema, server=server)

    def on_scratch(self, scratch: str) -> ChainConfig:
        """Return the same configuration for the process of a replay, with one empty database instead of servers."""
        return replace(self, server="", offered="", scratch=scratch)

    def at(self, *places: Path) -> ChainConfig:
        """Return the same configuration for the database that these files stand for."""
        return replace(self, places=places)


def beside(ini: Path) -> ChainConfig:
    """Return the configuration of a chain that an alembic.ini alone describes."""
    return ChainConfig(ini, ini.parent)
