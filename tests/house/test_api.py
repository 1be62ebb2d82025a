"""docs/api.md lists the public names as they are in the code, and all of them."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass, is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from architect_migrate.integrations.pytest import plugin
from support.paths import PROJECT

PACKAGE = PROJECT / "architect_migrate"
PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
MODULES = ("architect_migrate", "architect_migrate.seeds", "architect_migrate.alembic_env")
PLUGIN = "The pytest plugin"
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
# Variables of the system, and one between archmig and its own process.
NOT_OURS = {"ARCHMIG_REPLAY"}


def declared(section: str) -> dict[str, Any]:
    """What the code blocks of a section declare, by name: functions and classes without bodies."""
    blocks = re.findall(r"^```python\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = {}
    for block in blocks:
        if "import " not in block:  # what an env.py looks like is no declaration
            names = {"dataclass": dataclass, "Enum": Enum, "ArchmigError": Exception} | found
            exec(compile(f"from __future__ import annotations\n{block}", "docs/api.md", "exec"), names)
            found |= {node.name: names[node.name] for node in ast.parse(block).body if hasattr(node, "name")}
    return found


def members(kind: type) -> dict[str, Any]:
    """The public members that a class declares itself, with a property as its function."""
    its = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
    return {name: value.fget if isinstance(value, property) else value for name, value in its.items()}


STUBS = [(module, name, stub) for module in MODULES for name, stub in declared(module).items()]


def test_the_page_declares_names_of_every_public_module() -> None:
    assert {module for module, _, _ in STUBS} == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_on_the_page_and_no_other(module: str) -> None:
    public = import_module(module).__all__
    assert set(declared(module)) <= set(public)
    assert [name for name in public if f"`{name}`" not in SECTIONS[module] and name not in declared(module)] == []


@pytest.mark.parametrize(("module", "name", "stub"), [one for one in STUBS if inspect.isfunction(one[2])])
def test_a_function_has_the_signature_that_the_page_shows(module: str, name: str, stub: Any) -> None:
    assert inspect.signature(stub) == inspect.signature(getattr(import_module(module), name))


@pytest.mark.parametrize(("module", "name", "stub"), [one for one in STUBS if inspect.isclass(one[2])])
def test_a_class_has_the_members_that_the_page_shows(module: str, name: str, stub: type) -> None:
    real = getattr(import_module(module), name)
    if issubclass(real, Enum):
        assert {one.name: one.value for one in real} == {one.name: one.value for one in stub}  # type: ignore[attr-defined]
    elif is_dataclass(real):
        assert inspect.signature(stub) == inspect.signature(real)
        functions = {name: value for name, value in members(real).items() if inspect.isfunction(value)}
        shown = {name: value for name, value in members(stub).items() if inspect.isfunction(value)}
        assert {one: inspect.signature(shown[one]) for one in shown} == {
            function: inspect.signature(functions[function]) for function in functions
        }
    else:
        assert issubclass(real, Exception)
        assert [
            annotation
            for annotation in inspect.get_annotations(stub)
            if not isinstance(inspect.getattr_static(real, annotation), property)
        ] == []


def test_the_type_of_a_value_is_the_one_that_the_page_names() -> None:
    from architect_migrate.seeds import Value

    shown = re.search(r"`Value` is the type of a value: `(.+)`", SECTIONS["architect_migrate.seeds"])
    assert shown is not None
    assert eval(shown[1]) == Value


def test_the_fixtures_are_functions_with_the_signatures_that_the_page_shows() -> None:
    source = ast.parse(Path(str(plugin.__file__)).read_text(encoding="utf-8"))
    fixtures = {
        node.name: inner
        for node in source.body
        if isinstance(node, ast.FunctionDef) and "pytest.fixture" in map(ast.unparse, node.decorator_list)
        for inner in node.body
        if isinstance(inner, ast.FunctionDef)
    }
    shown = {
        node.name: node
        for block in re.findall(r"^```python\n(.*?)^```", SECTIONS[PLUGIN], re.MULTILINE | re.DOTALL)
        for node in ast.parse(block).body
        if isinstance(node, ast.FunctionDef)
    }
    assert {one: _signature(shown[one]) for one in shown} == {
        fixture: _signature(fixtures[fixture]) for fixture in fixtures
    }


def _signature(node: ast.FunctionDef) -> tuple[str, str]:
    return ast.unparse(node.args), ast.unparse(node.returns) if node.returns else ""


def test_the_options_of_the_plugin_are_those_on_the_page() -> None:
    source = Path(str(plugin.__file__)).read_text(encoding="utf-8")
    added = set(re.findall(r"add(?:option|ini)\(\"([\w-]+)\"", source))
    assert added == set(re.findall(r"^\| `([\w-]+)` \|", SECTIONS[PLUGIN], re.MULTILINE))


def test_every_environment_variable_of_archmig_is_on_the_page() -> None:
    read = {
        one for path in PACKAGE.rglob("*.py") for one in re.findall(r'"(ARCH[A-Z]+_[A-Z_]+)"', path.read_text("utf-8"))
    }
    assert read - NOT_OURS == set(re.findall(r"^\| `([A-Z_]+)` \|", SECTIONS["The command line"], re.MULTILINE))


def test_a_name_that_is_not_public_is_no_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError):
        _ = import_module("architect_migrate").reconcile
