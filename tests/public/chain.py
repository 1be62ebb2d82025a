"""Tries archmig on one chain, in an interpreter that has it: `python -m public.chain ALEMBIC_INI EXAMPLES WRITTEN...`.

Prints one line of JSON: how many positions that plain Alembic stamped were not asked about, and what became of random
drifted databases.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alembic import command
from architect_migrate.planning.results import State
from architect_migrate.runs.survey import survey
from support.property_checks import Chain, assert_comes_home, chain_of, setting_of
from support.property_drift import drifted

# So many positions are built by plain Alembic, spread over the chain.
_POSITIONS = 6
# Whatever its code raises, which has the class of an error in front, as no deed has that archmig forbids; and what
# only a drifted database has, where its batch operations would lose it.
_FAILURES = ("Error: ", "failed in the check of what it removed: ")


def main(ini: Path, examples: int, *written: str) -> dict[str, object]:
    """What was found; `written` are columns that the chain's own code gives other values, as TABLE.COLUMN."""
    columns = frozenset(tuple(one.split(".")) for one in written)
    with tempfile.TemporaryDirectory(prefix="archmig-public-") as name:
        folder = Path(name)
        chain = chain_of(ini, folder / "replays")
        return {
            "not asked about with its stamp": len(_decided(ini, chain, folder)),
            "drifted": _drifted(chain, examples, folder / "replays", columns),
        }


def _decided(ini: Path, chain: Chain, folder: Path) -> list[str]:
    """Positions at which plain Alembic built and stamped a database, none of which archmig may ask a person about."""
    order = chain.history.graph.order
    sampled = [order[at] for at in sorted({len(order) * part // _POSITIONS for part in range(_POSITIONS)})]
    for revision in (*sampled, "heads"):
        path = _plainly_built(ini, folder / f"{revision}.db", revision)
        seen = survey(setting_of(chain, path, folder / "replays"))
        assert seen.state in {State.UP_TO_DATE, State.BEHIND}, (revision, seen.state, seen.findings[:3])
    return [*sampled, "heads"]


def _plainly_built(ini: Path, path: Path, target: str = "heads") -> Path:
    config = Config(str(ini))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    with sa.create_engine(f"sqlite:///{path}").connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, target)
        connection.commit()
    return path


def _drifted(chain: Chain, examples: int, cache: Path, written: frozenset[tuple[str, ...]]) -> dict[str, int]:
    """How many random drifted databases came home, were blocked, or were refused by the chain's own code."""
    count: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def one(data: st.DataObject) -> None:
        found = data.draw(drifted(chain))
        with tempfile.TemporaryDirectory() as folder:
            home = assert_comes_home(chain, found, Path(folder), cache, _FAILURES, written)
            count[home.value] += 1

    one()
    return dict(count)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the projects' own, and Alembic's of their batch operations
    sys.stdout.write(f"{json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))}\n")
