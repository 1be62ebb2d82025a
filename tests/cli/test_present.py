"""How a result is written: one form of it, its envelope, and no secret of a URL in a document."""

from __future__ import annotations

import json

import pytest

from architect_migrate.cli.context import Options
from architect_migrate.cli.present import narrate, narrating, present, present_failure
from architect_migrate.cli.report.shared import Report
from architect_migrate.core.errors import UsageError

URL, MASKED = "postgresql://me:hunter2@host/db", "postgresql://***@host/db"
AS_JSON = Options(command="status", as_json=True)
AS_TEXT = Options(command="status")


def never(*_: object) -> str:
    raise AssertionError("this form was not asked for")


def test_text_goes_to_stdout_and_notes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(lambda *_: "the result", environments=never, more=never, notes=lambda: ["a note"])
    assert present(AS_TEXT, 1, report) == 1
    assert capsys.readouterr() == ("the result\n", "a note\n")


def test_an_empty_text_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert present(AS_TEXT, 0, Report(lambda *_: "")) == 0
    assert capsys.readouterr() == ("", "")


def test_a_document_has_its_envelope_around_what_the_report_adds(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(never, lambda: [{"name": "one"}], lambda: {"dry_run": True}, notes=never)
    assert present(AS_JSON, 1, report) == 1
    out, err = capsys.readouterr()
    assert list(json.loads(out).items()) == [
        ("version", 2),
        ("command", "status"),
        ("exit_code", 1),
        ("dry_run", True),
        ("environments", [{"name": "one"}]),
    ]
    assert err == ""


def test_a_document_shows_no_secret_but_leaves_what_is_to_be_run_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {"name": URL, "plan": {"sql": URL, "kept": [{"found": URL}]}, "rows": 1, "backup": None}
    more = {"revision": {"text": URL, "upgrade": [URL], "downgrade": [URL], "title": URL}}
    present(AS_JSON, 0, Report(never, lambda: [told], lambda: more))
    found = json.loads(capsys.readouterr().out)
    assert found["environments"] == [{**told, "name": MASKED, "plan": {"sql": URL, "kept": [{"found": MASKED}]}}]
    assert found["revision"] == {**more["revision"], "title": MASKED}


@pytest.mark.parametrize(("options", "documents"), [(AS_JSON, 1), (AS_TEXT, 0)])
def test_a_failure_is_a_document_where_one_was_asked_for(
    options: Options, documents: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert present_failure(options, UsageError(f"cannot read {URL}", "look at it")) == 2
    out = capsys.readouterr().out
    assert out.count(f'"message": "cannot read {MASKED} (look at it)"') == documents
    assert bool(out) == bool(documents)


def test_beside_a_document_there_is_no_narration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert (narrating(AS_JSON), narrating(AS_TEXT)) == (False, True)
    narrate(AS_JSON, never)
    narrate(AS_TEXT, lambda paint, width: f"plan of {width} columns", lambda *_: "another")
    assert capsys.readouterr() == ("", "plan of 100 columns\nanother\n")
