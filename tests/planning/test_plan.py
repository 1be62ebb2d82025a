"""Steps as values: their words, and what of them makes another plan."""

from __future__ import annotations

from dataclasses import replace

from architect_migrate.cli.report.plan import Recorded, plan_sql
from architect_migrate.planning.plan import AlterObject, Plan, altered, headline, plan_digest, rewritten

STEP = AlterObject(
    "table",
    "T",
    ("type of column n", "add column m"),
    ("DROP VIEW v", 'ALTER TABLE "T" ALTER n TYPE text', "CREATE VIEW v AS SELECT 1"),
    ("view v",),
    "ACCESS EXCLUSIVE",
    "about 10 rows",
    (("m", "1"),),
    (("T", "n"), ("other", "n")),
    "r1",
)


def test_the_headline_says_what_is_done_around_the_changes_and_what_it_costs() -> None:
    assert headline(STEP) == (
        "alter table T: type of column n, add column m "
        "(takes down and makes again view v; holds an ACCESS EXCLUSIVE lock; rewrites about 10 rows)"
    )
    assert headline(AlterObject("policy", "t.p", ("another definition",), ())) == "alter policy t.p: another definition"


def test_the_tables_that_a_step_writes_anew_have_their_own_names() -> None:
    assert altered(STEP) == {"T", "other"}
    assert altered(replace(STEP, converted=())) == {"T"}
    assert altered(replace(STEP, converted=(), rewrites="")) == {"T"}
    assert altered(replace(STEP, converted=(), rewrites="", fill=())) == set()
    assert altered(replace(STEP, kind="type", converted=(("other", "n"),))) == {"other"}
    assert rewritten((STEP,)) == {"T", "other"}


def test_a_plan_with_more_rows_by_now_is_the_same_plan() -> None:
    def digest(*steps: AlterObject) -> str:
        return plan_digest(Plan(steps, (), (), frozenset(), frozenset()), "chain")

    assert digest(STEP) == digest(replace(STEP, rewrites="about 20 rows"))
    assert digest(STEP) != digest(replace(STEP, statements=STEP.statements[:1]))


def test_a_plan_as_sql_has_every_statement_of_a_step() -> None:
    text = plan_sql(Plan((STEP,), (), (), frozenset(), frozenset()), Recorded({}, frozenset(), {}), "alembic_version")
    assert text.splitlines()[2:-2] == [f"-- {headline(STEP)}", *(f"{statement};" for statement in STEP.statements)]
