"""A diagnosis as text and as JSON: every revision with its claim and its verdict, then the findings with what to do."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import short_names
from architect_migrate.cli.report.layout import Cell, Style, block, plain, shortened, table
from architect_migrate.cli.report.shared import Report, finding_json
from architect_migrate.cli.report.status import seen_json, stamp_of, tracker_of, where
from architect_migrate.core.text import clean, pluralize
from architect_migrate.diagnosis.findings import Level
from architect_migrate.model.diff import explain
from architect_migrate.model.facts import describe
from architect_migrate.planning.results import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.cli.documents.reading import DiagnosisJson, JudgementJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.diagnosis.diagnose import Judgement
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Result, Survey

_LEVELS = {
    Level.BLOCKING: ("blocking: nothing is changed until these are settled", Style.BAD),
    Level.REPAIR: ("to repair", Style.CAUTION),
    Level.WARNING: ("warnings", Style.CAUTION),
    Level.NOTE: ("notes", Style.DIM),
}
_VERDICTS = {"applied": Style.GOOD, "missing": Style.BAD, "partial": Style.BAD, "conflicting": Style.BAD}
# Findings of these kinds come by the hundred and are told by their objects.
_MANY = ("breaking-missing", "behavioural-missing", "extra-kept", "claim-missing", "cosmetic-")
_SHOWN = 8


def findings_of(result: Result) -> tuple[Finding, ...]:
    """Everything found: what would block a plan first, then what the survey says."""
    seen = result.survey.findings if result.survey else ()
    blockers = result.plan.blockers if result.plan else ()
    return (*blockers, *(finding for finding in seen if finding not in blockers))


def heading(result: Result, graph: RevisionGraph, paint: Paint) -> str:
    """The environment, its state and its claims in a line."""
    seen = result.survey
    name = paint(clean(result.environment), Style.BOLD)
    if seen is None:
        return f"{name}: could not be read"
    if seen.state is State.MISSING:
        return f"{name}: no file"
    names = short_names(graph)
    at = f"at {where(seen, graph, names).replace(', ', ' with ')}" if seen.position else ""
    stamp = f"stamp {stamp_of(seen, names)}" if seen.claims.stamp is not None else "no stamp"
    tracker = f"tracker with {tracker_of(seen)}" if seen.claims.tracker else ""
    return f"{name}: {'; '.join(filter(None, (seen.state.value, at, stamp, tracker)))}"


def brief_text(result: Result, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """One environment: its revisions with counts, its findings grouped, long lists cut short."""
    lines = [heading(result, graph, paint), f"  {clean(result.database)}"]
    if result.survey and result.survey.diagnosis and result.survey.position:
        lines += ["", *_revisions(result.survey, result.survey.diagnosis.judgements, paint, width)]
    elif result.survey and result.survey.diagnosis is None and result.survey.position:
        lines.append("  the schema is to the letter what the chain makes at this revision")
    return "\n".join([*lines, *_findings(findings_of(result), _SHOWN, paint, width)])


def full_text(result: Result, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """One environment with every effect by name and every finding."""
    lines = [heading(result, graph, paint), f"  {clean(result.database)}"]
    for judgement in result.survey.diagnosis.judgements if result.survey and result.survey.diagnosis else ():
        lines += ["", *_evidence(judgement, paint, width)]
    return "\n".join([*lines, *_findings(findings_of(result), None, paint, width)])


def revision_text(result: Result, revision: str, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """One revision on one environment, with all that is known of it."""
    lines = [heading(result, graph, paint)]
    judged = result.survey.diagnosis.judgements if result.survey and result.survey.diagnosis else ()
    for judgement in judged:
        if judgement.revision.id == revision:
            objects = {describe(fact) for fact in (*judgement.absent, *judgement.lingering)}
            objects |= {describe(change.fact) for change in judgement.differing}
            mine = [one for one in findings_of(result) if revision in {one.revision, one.subject}]
            mine += [one for one in findings_of(result) if one not in mine and one.subject in objects]
            lines += [*_evidence(judgement, paint, width), *_findings(mine, None, paint, width)]
    if not judged and result.survey:
        there = revision in result.survey.position
        lines.append(f"  {revision}  {'applied, by the digest of the whole schema' if there else 'pending'}")
    return "\n".join(lines)


def _revisions(seen: Survey, judged: Iterable[Judgement], paint: Paint, width: int) -> Iterator[str]:
    headers = ("revision", "claim", "verdict", "there", "missing", "other shape")
    rows = []
    for pending, each in groupby(judged, lambda judgement: judgement.revision.id not in seen.position):
        group = list(each)
        untouched = pending and not any(judgement.present or judgement.claim.value != "none" for judgement in group)
        if untouched and len(group) > 2:
            ids = f"{group[0].revision.id} .. {group[-1].revision.id}"
            rows.append([Cell(ids), Cell("none"), Cell(f"pending ({len(group)})", Style.CAUTION), *[Cell("-")] * 3])
        else:
            rows += [
                _judgement(judgement, judgement.verdict.value if not pending else "pending") for judgement in group
            ]
    yield from (f"  {line}" for line in table(headers, rows, paint, width - 2))


def _judgement(judgement: Judgement, verdict: str) -> list[Cell]:
    numbers = (len(judgement.present), len(judgement.absent) + len(judgement.lingering), len(judgement.differing))
    lying = judgement.claim.value in {"executed", "stamped"} and verdict in {"missing", "partial", "conflicting"}
    return [
        Cell(judgement.revision.id),
        Cell(
            judgement.claim.value, Style.BAD if lying else Style.PLAIN if judgement.claim.value != "none" else Style.DIM
        ),
        Cell(verdict, _VERDICTS.get(verdict, Style.DIM)),
        *(Cell(f"{number}" if number else "-") for number in numbers),
    ]


def _evidence(judgement: Judgement, paint: Paint, width: int) -> Iterator[str]:
    """A revision with each of its effects: there (+), missing (-), in another shape (~), not taken away (!)."""
    verdict = paint(judgement.verdict.value, _VERDICTS.get(judgement.verdict.value, Style.DIM))
    title = f"  {judgement.revision.title}" if judgement.revision.title else ""
    yield f"  {paint(judgement.revision.id, Style.BOLD)}{clean(title)}"
    yield f"    claim {judgement.claim.value}, verdict {verdict}"
    yield from (f"    {paint('+', Style.GOOD)} {clean(describe(fact))}" for fact in judgement.present)
    yield from (f"    {paint('-', Style.BAD)} {clean(describe(fact))}" for fact in judgement.absent)
    for change in judgement.differing:
        first, *rest = block(explain(change), "      ", width)
        yield f"    {paint('~', Style.CAUTION)} {first.strip()}"
        yield from rest
    yield from (
        f"    {paint('!', Style.CAUTION)} {clean(describe(fact))} is still there" for fact in judgement.lingering
    )


def _findings(found: Iterable[Finding], most: int | None, paint: Paint, width: int) -> Iterator[str]:
    order = list(Level)
    ranked = sorted(found, key=lambda finding: (order.index(finding.level), finding.code))
    for level, each in groupby(ranked, lambda finding: finding.level):
        title, style = _LEVELS[level]
        yield ""
        yield f"  {paint(title, style)}"
        for code, group in groupby(each, lambda finding: finding.code):
            yield from _group(code, list(group), most, width)


def _group(code: str, group: list[Finding], most: int | None, width: int) -> Iterator[str]:
    advices = {finding.advice for finding in group}
    common = advices.pop() if len(advices) == 1 else ""
    yield from block(f"{code}, {len(group)}{': ' + common if common else ''}", "    ", width)
    if most is not None and code.startswith(_MANY):
        yield from block(shortened([finding.subject for finding in group], most), "      ", width)
        return
    for each in group:
        yield from finding_lines(each, common, "      ", width)


def finding_lines(finding: Finding, common: str, indent: str, width: int) -> Iterator[str]:
    """A finding in full: what was found, what to do unless `common` says it already, the entry ready to paste."""
    said = finding.found if finding.found.startswith(finding.subject) else f"{finding.subject}: {finding.found}"
    yield from block(said, indent, width)
    if finding.advice and finding.advice != common:
        yield from block(f"-> {finding.advice}", f"{indent}  ", width)
    if finding.entry:
        yield ""
        yield from (line.rstrip() for line in finding.entry.splitlines())
        yield ""


def blockers_text(result: Result, paint: Paint = plain, width: int = 120) -> str:
    """What stands in the way on one environment, each with the entry that would settle it."""
    blockers = result.plan.blockers if result.plan else ()
    said = f"blocked by {pluralize(len(blockers), 'thing')}" if blockers else result.detail
    lines = [f"{paint(clean(result.environment), Style.BOLD)}: {paint(said, Style.BAD)}"]
    return "\n".join([*lines, *(line for blocker in blockers for line in finding_lines(blocker, "", "  ", width))])


def diagnosis_report(results: tuple[Result, ...], graph: RevisionGraph, only: str | None, *, verbose: bool) -> Report:
    """Each environment's diagnosis, or that of one revision; the text names every effect where it is verbose."""
    text = partial(revision_text, revision=only) if only else full_text if verbose else brief_text
    return Report(
        lambda paint, width: "\n\n".join(text(result, graph=graph, paint=paint, width=width) for result in results),
        lambda: (_diagnosis_json(result, graph, only) for result in results),
    )


def _diagnosis_json(result: Result, graph: RevisionGraph, only: str | None) -> DiagnosisJson:
    judged = result.survey.diagnosis.judgements if result.survey and result.survey.diagnosis else ()
    return {
        **seen_json(result, graph),
        "revisions": [_judgement_json(one) for one in judged if only in {None, one.revision.id}],
        "findings": [finding_json(finding) for finding in findings_of(result)],
    }


def _judgement_json(judgement: Judgement) -> JudgementJson:
    return {
        "revision": judgement.revision.id,
        "title": judgement.revision.title,
        "legacy_version": judgement.revision.legacy_version or None,
        "claim": judgement.claim.value,
        "verdict": judgement.verdict.value,
        "present": [describe(fact) for fact in judgement.present],
        "missing": [describe(fact) for fact in judgement.absent],
        "differing": [{"object": describe(change.fact), "found": explain(change)} for change in judgement.differing],
        "lingering": [describe(fact) for fact in judgement.lingering],
    }
