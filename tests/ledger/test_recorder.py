from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.context import EnvironmentContext, contexts_for
from architect_migrate.config.loader import read_project
from architect_migrate.core.errors import UsageError
from architect_migrate.ledger.recorder import Entered, enter, entered_on_failure, fingerprint_facts, record
from architect_migrate.ledger.store import entries
from architect_migrate.planning.results import Outcome, Receipt, Result
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def context(tmp_path: Path) -> EnvironmentContext:
    """An environment without a database: what is entered here never reads one."""
    text = f"[alembic]\nconfig = '{PROJECT / 'alembic.ini'}'\n[env.prod]\npath = 'app.db'\n"
    (tmp_path / "environments.toml").write_text(text, encoding="utf-8")
    project = read_project(tmp_path / "environments.toml", {})
    return contexts_for(project, project.environments, None)[0]


def unwritable(context: EnvironmentContext) -> None:
    context.ledger.parent.mkdir(parents=True)
    context.ledger.mkdir()


def test_an_entry_says_when_who_and_how_long(context: EnvironmentContext) -> None:
    assert enter(context, "reconcile", time.time() - 2) == Entered(1)
    (made,) = entries(context.ledger)
    assert made.started_at.endswith("+00:00")
    assert 2 <= made.seconds < 10
    assert all([made.user, made.host, made.command])
    assert (made.environment, made.database) == ("prod", str(context.environment.url))
    assert (made.action, made.result) == ("reconcile", "done")


def test_an_entry_without_facts_has_the_versions_of_the_tools_and_one_with_facts_has_those_alone(
    context: EnvironmentContext,
) -> None:
    enter(context, "env drop", time.time())
    enter(context, "rehearse", time.time(), facts=[("plan", "c3")])
    first, second = entries(context.ledger)
    assert [name for name, _ in first.facts] == ["archmig", "alembic", "sqlite", "python"]
    assert first.fact("alembic") == version("alembic")
    assert second.facts == (("plan", "c3"),)


def test_a_ledger_that_cannot_be_written_is_a_warning(context: EnvironmentContext) -> None:
    unwritable(context)
    entered = enter(context, "env drop", time.time())
    assert entered.number == 0
    assert [str(context.ledger) in warning for warning in entered.warnings] == [True]


RECEIPT = Receipt(("001",), ("002",), ("run 002",), 0.5, "/b.db", 1, 2, 0, (), (0, 0), facts=(("chain", "d4"),))


def result(receipt: Receipt | None) -> Result:
    return Result("prod", "sqlite:///app.db", "upgrade", Outcome.DONE, "at 002", receipt=receipt, warnings=("mind",))


def test_a_result_is_entered_by_its_receipt_and_gets_its_number(context: EnvironmentContext) -> None:
    enter(context, "env create", time.time())
    found = record(context, result(RECEIPT), time.time())
    made = entries(context.ledger)[1]
    assert (made.from_heads, made.to_heads, made.steps) == (("001",), ("002",), ("run 002",))
    assert (made.backup, made.detail, made.facts) == ("/b.db", "at 002", (("chain", "d4"),))
    assert found.receipt is not None
    assert (found.receipt.number, found.warnings) == (2, ("mind",))


def test_a_result_without_a_receipt_is_entered_with_the_versions_of_the_tools(context: EnvironmentContext) -> None:
    assert record(context, result(None), time.time()) == result(None)
    (made,) = entries(context.ledger)
    assert (made.from_heads, made.to_heads, made.steps, made.backup) == ((), (), (), "")
    assert made.fact("python")


def test_a_result_that_cannot_be_entered_keeps_its_receipt_and_its_warnings(context: EnvironmentContext) -> None:
    unwritable(context)
    found = record(context, result(RECEIPT), time.time())
    assert found.receipt == RECEIPT
    assert found.warnings[0] == "mind"
    assert len(found.warnings) == 2


FAILURES = {
    "refused": (UsageError("no such word", "see --help"), "failed", "no such word (see --help)"),
    "broken": (KeyError("x"), "failed", "KeyError"),
    "stopped": (KeyboardInterrupt(), "interrupted", "Ctrl-C; everything was rolled back"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_block_that_fails_is_entered_and_its_error_goes_on(context: EnvironmentContext, case: str) -> None:
    error, outcome, detail = FAILURES[case]
    with pytest.raises(type(error)), entered_on_failure(context, "upgrade", time.time()):
        raise error
    (made,) = entries(context.ledger)
    assert (made.action, made.result, made.detail) == ("upgrade", outcome, detail)


def test_an_error_that_cannot_be_entered_says_so_in_a_note(context: EnvironmentContext) -> None:
    unwritable(context)
    with pytest.raises(KeyError) as raised, entered_on_failure(context, "upgrade", time.time()):
        raise KeyError("x")
    assert [str(context.ledger) in note for note in raised.value.__notes__] == [True]


def test_a_database_that_was_not_read_left_nothing_behind() -> None:
    assert list(fingerprint_facts(None, None)) == []
