"""Which revisions a tracker's row stands for, what is claimed of each, and which stamps can be followed."""

from __future__ import annotations

import pytest

from architect_migrate.diagnosis.claims import TrackerRow, attributions, claim_of, out_of_order, stamp_problem
from architect_migrate.model.revision_graph import Revision, RevisionGraph

OUTLINE = RevisionGraph(
    (
        Revision("004_milestones", (), "Fix milestones schema", "004"),
        Revision("005_documentation", ("004_milestones",), "Documentation table", "005"),
        Revision("017_task_webhooks", ("005_documentation",), "Task webhooks", "017"),
        Revision("017_session_pool", ("017_task_webhooks",), "Session pool", "017"),
        Revision("034_entity_tracking", ("017_session_pool",), "Session entity tracking", "034", ("005",)),
        Revision("037_llm_metrics", ("034_entity_tracking",), "LLM metrics", "037", ("013",)),
        Revision("038_task_archive", ("037_llm_metrics",), "Task archive", "038", ("013",)),
    )
)
BY_NUMBER = {revision.id[:3]: revision for revision in OUTLINE.revisions}


@pytest.mark.parametrize(
    ("row", "ids", "renumbered"),
    [
        (TrackerRow("004"), ["004_milestones"], False),
        (TrackerRow("004_milestones"), ["004_milestones"], False),
        # Both files bear 017, and nothing tells which one ran: the row stands for both.
        (TrackerRow("017"), ["017_task_webhooks", "017_session_pool"], False),
        (
            TrackerRow("017", description="Session pool management tables"),
            ["017_task_webhooks", "017_session_pool"],
            False,
        ),
        # 034 was 005 once: the row's words decide, and without any today's number.
        (TrackerRow("005"), ["005_documentation"], False),
        (TrackerRow("005", description="Add documentation table"), ["005_documentation"], False),
        (TrackerRow("005", description="session entity tracking"), ["034_entity_tracking"], True),
        (TrackerRow("013"), ["037_llm_metrics", "038_task_archive"], True),
        (TrackerRow("013", description="llm metrics"), ["037_llm_metrics"], True),
        (TrackerRow("013", description="something else"), ["037_llm_metrics", "038_task_archive"], True),
        (TrackerRow("099"), [], False),
        (TrackerRow(""), [], False),
    ],
)
def test_a_row_stands_for_revisions(row: TrackerRow, ids: list[str], renumbered: bool) -> None:
    (found,) = attributions(OUTLINE, [row])
    assert ([revision.id for revision in found.revisions], found.renumbered) == (ids, renumbered)


@pytest.mark.parametrize(
    ("rows", "stamped", "claims"),
    [
        ((), (), "none none none"),
        ((TrackerRow("004"),), (), "executed none none"),
        ((TrackerRow("004", skipped=True),), (), "skipped none none"),
        ((TrackerRow("004", skipped=True), TrackerRow("004_milestones")), (), "executed none none"),
        ((TrackerRow("004", skipped=True),), ("004_milestones",), "stamped none none"),
        ((TrackerRow("017"), TrackerRow("013", description="llm metrics")), (), "none executed executed"),
    ],
)
def test_of_several_claims_the_strongest_counts(
    rows: tuple[TrackerRow, ...], stamped: tuple[str, ...], claims: str
) -> None:
    found = attributions(OUTLINE, rows)
    asked = [BY_NUMBER[one] for one in ("004", "017", "037")]
    assert " ".join(claim_of(one, frozenset(stamped), found).value for one in asked) == claims


@pytest.mark.parametrize(
    ("times", "late"),
    [
        ([("001", "10:00"), ("002", "11:00"), ("003", "12:00")], []),
        ([("004", "10:00"), ("003", "11:00"), ("005", "12:00")], [("003", "004")]),
        ([("003", "11:00"), ("004", "10:00")], [("003", "004")]),
        ([("048", "10:00"), ("003", "11:00"), ("005", "12:00")], [("003", "048"), ("005", "048")]),
        # Recorded in one moment: nothing says which came first.
        ([("004", "10:00"), ("003", "10:00")], []),
        ([], []),
    ],
)
def test_rows_recorded_after_a_higher_number_are_out_of_order(
    times: list[tuple[str, str]], late: list[tuple[str, str]]
) -> None:
    found = out_of_order(tuple(TrackerRow(*time) for time in times))
    assert [(row.version, higher.version) for row, higher in found] == late


FORKED = RevisionGraph((Revision("a", ()), Revision("b", ("a",)), Revision("c", ("a",)), Revision("d", ("b", "c"))))


@pytest.mark.parametrize(
    ("stamp", "problem"),
    [
        ((), ""),
        (("a",), ""),
        (("b", "c"), ""),
        (("d",), ""),
        (("x",), "is stamped x, which the chain does not have"),
        (("a", "x"), "is stamped x, which the chain does not have"),
        (("a", "b"), "is stamped a and b, of which one comes before another"),
        (("b", "d"), "is stamped b and d, of which one comes before another"),
    ],
)
def test_a_stamp_can_be_followed_or_says_why_not(stamp: tuple[str, ...], problem: str) -> None:
    assert stamp_problem(FORKED, stamp) == problem
