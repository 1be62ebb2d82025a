"""JSON Schemas of the documents, made from their TypedDicts; `python -m support.json_schemas` writes them."""

from __future__ import annotations

import json
import re
import types
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Never,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from jsonschema import Draft202012Validator

from architect_migrate.cli.documents import changing, common, reading
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    Schema = dict[str, Any]

FOLDER = PROJECT / "docs" / "json"
SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
DOCUMENTS: dict[str, Any] = {
    re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.removesuffix("Document")).lower(): kind
    for module in (common, reading, changing)
    for name, kind in vars(module).items()
    if name.endswith("Document")
}


def commands_of(document: Any) -> tuple[str, ...]:
    """The commands that print a document; none for those that no one command alone prints."""
    hint = get_type_hints(document).get("command")
    return get_args(hint) if get_origin(hint) is Literal else ()


def schema_of(document: Any, *, closed: bool = False) -> Schema:
    """The schema of a document; a closed one takes no key that is not declared."""
    definitions: Schema = {}
    body = _object(document, definitions, closed)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _title(document), **body}
    return {**schema, "$defs": dict(sorted(definitions.items()))} if definitions else schema


def _title(kind: Any) -> str:
    return kind.__name__.removesuffix("Json")


def _object(kind: Any, definitions: Schema, closed: bool) -> Schema:
    hints = get_type_hints(kind, include_extras=True)
    return {
        "description": kind.__doc__,
        "type": "object",
        "properties": {name: _value(hint, definitions, closed) for name, hint in hints.items()},
        "required": [name for name, hint in hints.items() if get_origin(hint) is not NotRequired],
        **({"additionalProperties": False} if closed else {}),
    }


def _value(hint: Any, definitions: Schema, closed: bool) -> Schema:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in SIMPLE:
        return {"type": SIMPLE[hint]}
    if is_typeddict(hint):
        if _title(hint) not in definitions:
            definitions[_title(hint)] = {}  # so that a type that holds itself ends
            definitions[_title(hint)] = _object(hint, definitions, closed)
        return {"$ref": f"#/$defs/{_title(hint)}"}
    if origin is Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": [*arguments]}
    if origin is Annotated:
        return {**_value(arguments[0], definitions, closed), "enum": [*arguments[1:]]}
    if origin is NotRequired:
        return _value(arguments[0], definitions, closed)
    if origin is list:
        (item,) = arguments
        items = {"maxItems": 0} if item is Never else {"items": _value(item, definitions, closed)}
        return {"type": "array", **items}
    if origin is dict:
        return {"type": "object", "additionalProperties": _value(arguments[1], definitions, closed)}
    assert origin in {Union, types.UnionType}, hint
    members = [_value(argument, definitions, closed) for argument in arguments]
    if all(member.keys() == {"type"} for member in members):
        return {"type": [member["type"] for member in members]}
    return {"anyOf": members}


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a document by its name, which takes no key that is not declared."""
    return Draft202012Validator(schema_of(DOCUMENTS[name], closed=True))


@cache
def _by_command() -> dict[str, str]:
    return {command: name for name, document in DOCUMENTS.items() for command in commands_of(document)}


def problems(told: Schema) -> list[str]:
    """What of a command's document is not as its schema has it."""
    name = "failure" if "error" in told else _by_command()[told["command"]]
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(told)]


def files() -> Iterator[tuple[str, str]]:
    """Every schema's file in docs/json by its name, and its text."""
    for name, document in DOCUMENTS.items():
        yield f"{name}.schema.json", f"{json.dumps(schema_of(document), indent=2)}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.schema.json"):
        stale.unlink()
    for file, text in files():
        (FOLDER / file).write_text(text, encoding="utf-8")
