"""What every test shares: replays of a chain are remembered in one folder, whichever worker made them."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from compileall import compile_dir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from architect_migrate.revisions import sandbox
from support.fork_server import GC_THRESHOLD, fork_server
from support.paths import PROJECT
from support.replays import shared

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


# Why: a worker inherits the COLUMNS that readline gave to the process which started it, and output would be folded.
# It is not in os.environ where readline gave it to this process: a process that is started without `env` has it then.
os.environ["COLUMNS"] = ""
del os.environ["COLUMNS"]

# Why none is written: a test may write a revision twice within a second, and Python might run the first twice.
# Why the package's is written beforehand: each of some hundred processes would compile it, for a third of its time.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
if "PYTEST_XDIST_WORKER" not in os.environ:
    compile_dir(PROJECT / "architect_migrate", quiet=2)

# Files in memory, where there is room: the tests sync many thousands, and waited for the disk almost half of the time.
_IN_MEMORY, _NEEDED = Path("/dev/shm"), 4 << 30
if "TMPDIR" not in os.environ and os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _NEEDED:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_IN_MEMORY)

# By hand each run tries other examples; CI tries the same ones, so that red means that something changed.
# Why neither a deadline nor a limit for making examples: a machine with other work is slow now and then.
settings.register_profile("by_hand", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("by_hand"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "by_hand")


@pytest.fixture(scope="session", autouse=True)
def replay_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "replays"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHMIG_CACHE", str(folder))
        patch.setattr("architect_migrate.revisions.replay._replay", shared(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def found_plugins() -> Iterator[None]:
    """Let pytest find plugins by itself where a test runs it, as with users.

    Why not before: the workers of `make test`, which names the plugins, get their environment before they run a test.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def forked_sandbox() -> Iterator[None]:
    """Fork the sandboxed processes from a server, which saves each of them the import of Alembic."""
    with fork_server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "subprocess", server)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the byte code of the tests: to rewrite their assertions again takes ten seconds of each worker's time."""
    sys.dont_write_bytecode = False
    gc.disable()
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = True
        gc.enable()


def pytest_collection_finish() -> None:
    """Keep ten thousand tests out of each garbage collection, which took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write names that are no UTF-8 in escapes: a worker could not send them, and the whole run would end."""
    report = yield
    report.sections = [(name, sendable(text)) for name, text in report.sections]
    if report.failed and sendable(str(report.longrepr)) != str(report.longrepr):
        report.longrepr = sendable(str(report.longrepr))
    return report


def sendable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
