"""What models have beyond a chain, as Alembic's autogenerate writes it; no database of the project is needed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.core.secrets import mask
from architect_migrate.revisions.sandbox import run_sandboxed

if TYPE_CHECKING:
    from architect_migrate.model.chain_config import ChainConfig


@dataclass(frozen=True, slots=True)
class Compared:
    """The code of a revision that makes the chain's schema that of the models; empty `verbs`: it is that already."""

    upgrade: str
    downgrade: str
    imports: str
    verbs: tuple[str, ...]


def compared(chain: ChainConfig, models: str) -> Compared:
    """Compare models with the replayed chain, in a process of its own. Raises NewRevisionError."""
    with tempfile.TemporaryDirectory(prefix="archmig-autogenerate-") as name:
        folder = Path(name)
        (folder / "chain").write_text(codec.dump(chain), encoding="utf-8")
        done = run_sandboxed("revisions.autogenerate_process", chain.root, folder, name, *([models] if models else []))
        if (folder / "compared").exists():
            found: Compared = codec.load((folder / "compared").read_text(encoding="utf-8"), (Compared,))
            return found
        failed = folder / "failed"
        said = failed.read_text(encoding="utf-8") if failed.exists() else mask(" ".join(done.stderr.split()))[-500:]
        problem = said or f"the comparison ended with code {done.returncode}"
        raise NewRevisionError(str(chain.ini), problem, "nothing was written")
