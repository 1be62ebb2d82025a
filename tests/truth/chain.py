"""A chain of revisions as values, and as an Alembic project on disk."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_INI = """[alembic]
script_location = %(here)s/chain
path_separator = os
sqlalchemy.url = {url}
"""
_ENVS = {
    "archmig's": """from alembic import context
from architect_migrate.alembic_env import run

run(context)
""",
    "a stranger's": """from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config


def run_migrations_online():
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=None, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
""",
}
ENVS = tuple(_ENVS)
_MODULE = '''"""{title}"""

import sqlalchemy as sa

from alembic import op

revision = {revision!r}
down_revision = {parents!r}
branch_labels = None
depends_on = None
{steps}

def upgrade():
{body}


def downgrade():
    raise NotImplementedError
'''
_DATA_STEP = """

def data_step():
{body}

"""


@dataclass(frozen=True, slots=True)
class Op:
    """Python of `upgrade()`, or with `data` of a `data_step()`; `touches` are the tables that it changes."""

    kind: str
    text: str
    touches: frozenset[str] = frozenset()
    data: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    id: str
    parents: tuple[str, ...]
    ops: tuple[Op, ...]

    @property
    def module(self) -> str:
        steps = [op.text for op in self.ops if op.data]
        body = [op.text for op in self.ops if not op.data] + (["data_step()"] if steps else [])
        return _MODULE.format(
            title=", ".join(op.kind for op in self.ops) or "nothing",
            revision=self.id,
            parents=None if not self.parents else self.parents[0] if len(self.parents) == 1 else self.parents,
            steps=_DATA_STEP.format(body=_indented(steps)) if steps else "",
            body=_indented(body or ["pass"]),
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """`revisions` in an order in which each comes after its parents."""

    revisions: tuple[Revision, ...]
    env: str

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(revision.id for revision in self.revisions)

    @property
    def heads(self) -> tuple[str, ...]:
        parents = {parent for revision in self.revisions for parent in revision.parents}
        return tuple(name for name in self.ids if name not in parents)

    def closure(self, names: Iterable[str]) -> frozenset[str]:
        """These revisions with all that they come after."""
        wanted = set(names)
        for revision in reversed(self.revisions):
            if revision.id in wanted:
                wanted.update(revision.parents)
        return frozenset(wanted)

    def tips(self, position: Iterable[str]) -> tuple[str, ...]:
        """The newest revisions of a position, as Alembic's stamp has them."""
        there = frozenset(position)
        parents = {parent for revision in self.revisions if revision.id in there for parent in revision.parents}
        return tuple(sorted(there - parents))


def write(chain: Chain, folder: Path) -> Path:
    """The project on disk; the answer is its alembic.ini."""
    return write_chain(chain, folder, "sqlite:///app.db", _ENVS[chain.env])


def write_chain(chain: Chain, folder: Path, url: str, env: str) -> Path:
    """The project on disk, with this URL and this env.py; the answer is its alembic.ini."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(_INI.format(url=url))
    (folder / "chain" / "env.py").write_text(env)
    for revision in chain.revisions:
        (versions / f"{revision.id}.py").write_text(revision.module)
    return folder / "alembic.ini"


def write_environments(folder: Path, names: Iterable[str]) -> None:
    lines = ['[alembic]\nconfig = "alembic.ini"\n\n[defaults]\nuninitialised = "create"\n']
    lines += [f'[env.{name}]\npath = "{name}.db"\n' for name in names]
    (folder / "environments.toml").write_text("\n".join(lines))


def _indented(texts: Iterable[str]) -> str:
    return "\n".join(textwrap.indent(text, "    ") for text in texts)
