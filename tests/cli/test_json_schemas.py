"""docs/json/*.schema.json are what the types of the documents give, and tell a wrong document from a right one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.main import get_command

from architect_migrate.cli.app import application
from support.json_schemas import DOCUMENTS, FOLDER, commands_of, files, problems, schema_of, validator
from support.paths import PROJECT

FAILURE = {
    "version": 2,
    "command": "status",
    "exit_code": 2,
    "error": {"type": "UsageError", "message": "no"},
    "environments": [],
}
DEMO = {
    "version": 2,
    "command": "demo",
    "exit_code": 0,
    "config": "demo/environments.toml",
    "environments": [{"name": "one"}],
}


def commands(command: Any, path: str = "") -> set[str]:
    """Every command by its words, those of groups included."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return {path}
    return {words for name, one in inner.items() for words in commands(one, f"{path} {name}".strip())}


def keys(schema: Any) -> set[str]:
    """Every key that a schema declares."""
    if isinstance(schema, list):
        return {key for inner in schema for key in keys(inner)}
    if not isinstance(schema, dict):
        return set()
    declared = schema.get("properties", {}) if schema.get("type") == "object" else {}
    return {*declared, *(key for inner in schema.values() for key in keys(inner))}


def test_the_committed_schemas_are_what_the_types_give() -> None:
    """`make schemas` writes them."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == dict(files())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_one_and_is_described(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(DOCUMENTS[name]))
    text = (PROJECT / "docs" / "json.md").read_text(encoding="utf-8")
    assert f"(json/{name}.schema.json)" in text
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", text))))
    assert keys(schema_of(DOCUMENTS[name])) - words == set()


def test_every_command_has_one_document() -> None:
    documented = [command for document in DOCUMENTS.values() for command in commands_of(document)]
    # `help` prints text alone.
    assert sorted([*documented, "help"]) == sorted(commands(get_command(application())))


@pytest.mark.parametrize("told", [FAILURE, DEMO])
def test_a_document_that_is_as_its_schema_has_it_has_no_problems(told: dict[str, Any]) -> None:
    assert problems(told) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"config": None}, "$.config: None is not of type 'string'"),
        ({"exit_code": 7}, "$.exit_code: 7 is not one of [0, 1, 2, 130]"),
        ({"more": 1}, "$: Additional properties are not allowed ('more' was unexpected)"),
        ({"environments": [{}]}, "$.environments[0]: 'name' is a required property"),
    ],
)
def test_a_document_that_is_otherwise_has(change: dict[str, Any], problem: str) -> None:
    assert problems({**DEMO, **change}) == [problem]


def test_who_reads_documents_by_the_committed_schemas_may_meet_new_keys() -> None:
    schema = json.loads((FOLDER / "demo.schema.json").read_text(encoding="utf-8"))
    assert Draft202012Validator(schema).is_valid({**DEMO, "more": 1})
    assert not validator("demo").is_valid({**DEMO, "more": 1})
