"""What `--rows` takes."""

from __future__ import annotations

import pytest

from architect_migrate.cli.row_answers import parsed
from architect_migrate.core.errors import UsageError
from architect_migrate.model.environment import RowAnswer


def test_each_revision_gets_its_answer() -> None:
    answers = (("b2", RowAnswer.RUN), ("c3", RowAnswer.DONE), ("d4", RowAnswer.SKIP))
    assert parsed(["b2=run", "c3=done", "d4=skip"]) == answers
    assert parsed([]) == ()


@pytest.mark.parametrize("word", ["b2", "=run", "b2=", "b2=yes", "b2=RUN"])
def test_anything_else_is_refused_with_what_can_be_written(word: str) -> None:
    with pytest.raises(UsageError, match="write REV=run, REV=done or REV=skip"):
        parsed([word])


def test_one_revision_cannot_have_two_answers() -> None:
    with pytest.raises(UsageError, match="settles b2 twice"):
        parsed(["b2=run", "b2=skip"])
