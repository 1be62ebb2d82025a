"""What one kind of database alone says of an object is compared, never taken as equal by silence."""

from dataclasses import dataclass

from architect_migrate.model.detail import Detail, Severity, differences
from architect_migrate.model.diff import diff, explain, severity
from architect_migrate.model.schema import Column, Object, Schema, Table


@dataclass(frozen=True, slots=True)
class Identity(Detail):
    identity: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Other(Detail):
    identity: str = ""


def _with(detail: Detail | None) -> Schema:
    return Schema((Table("t", (Column("id", "integer", "integer", detail=detail),)),))


def test_each_field_that_differs_is_a_behavioural_difference() -> None:
    found = list(differences(Identity("always", ("a",)), Identity("", ("a", "b"))))
    assert [(each.respect, each.expected, each.actual) for each in found] == [
        ("identity", "always", "none"),
        ("options", "a", "a, b"),
    ]
    assert {each.severity for each in found} == {Severity.BEHAVIOURAL}


def test_details_of_two_kinds_of_database_are_never_equal() -> None:
    assert not list(differences(None, None))
    assert list(differences(Identity(), Other()))
    assert list(differences(None, Identity()))


def test_a_detail_of_a_column_counts_as_drift() -> None:
    (change,) = diff(_with(Identity("always")), _with(Identity()))
    assert explain(change) == "column t.id: identity is none, the chain says always"


def test_other_objects_are_missing_different_or_extra() -> None:
    chain = Schema(objects=(Object("function", "f(integer)", "one"), Object("type", "mood", "enum (a)")))
    there = Schema(objects=(Object("function", "f(integer)", "two"), Object("policy", "t.p", "using (true)", "t")))
    found = {explain(change): severity(change).value for change in diff(chain, there)}
    assert found == {
        "function f(integer): definition is two, the chain says one (the texts differ; cannot tell whether they mean "
        "the same)": "behavioural",
        "type mood is missing": "breaking",
        "policy t.p on t is not in the chain": "extra",
    }
