"""A diagnosis as text and as JSON: every revision with its claim and its verdict, then the findings with what to do."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import short_names, with_title
from architect_migrate.cli.report.layout import Cell, Style, block, headed, listing, plain, shortened
from architect_migrate.cli.report.shared import Report, finding_json
from architect_migrate.cli.report.status import against, at, seen_json, stamp_of, tracker_of
from architect_migrate.core.text import clean, pluralize
from architect_migrate.diagnosis.findings import Level
from architect_migrate.model.diff import explain
from architect_migrate.model.facts import describe

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
# Findings of these kinds come by the hundred and are listed by their objects.
_MANY = ("breaking-missing", "behavioural-missing", "extra-kept", "claim-missing", "cosmetic-")
_SHOWN = 8


def findings_of(result: Result) -> tuple[Finding, ...]:
    """Everything found: what would block a plan first, then what the survey says."""
    seen = result.survey.findings if result.survey else ()
    blockers = result.plan.blockers if result.plan else ()
    return (*blockers, *(finding for finding in seen if finding not in blockers))


def heading(result: Result, graph: RevisionGraph, paint: Paint, width: int) -> Iterator[str]:
    """The environment, its state and its claims, and below them its database."""
    seen, names = result.survey, short_names(graph)
    parts = [result.state.value]
    if seen and seen.exists:
        gaps = against(seen).gaps
        lacking = f" with {pluralize(gaps, 'gap')}" if gaps else ""
        parts += [f"at {at(seen, graph, names)}{lacking}"] * bool(seen.position)
        parts += [f"stamp {stamp_of(seen, names)}" if seen.claims.stamp is not None else "no stamp"]
        parts += [f"tracker with {tracker_of(seen)}"] * seen.claims.tracker
    yield from headed(result.environment, "; ".join(parts), paint, width)
    yield f"  {clean(result.database)}"


def brief_text(result: Result, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """One environment: its revisions with counts, its findings grouped, long lists cut short."""
    lines = [*heading(result, graph, paint, width)]
    if result.survey and result.survey.diagnosis and result.survey.position:
        lines += ["", *_revisions(result.survey, result.survey.diagnosis.judgements, paint, width)]
    elif result.survey and result.survey.diagnosis is None and result.survey.position:
        lines.append("  the schema is exactly what the chain makes at this revision")
    return "\n".join([*lines, *_findings(findings_of(result), _SHOWN, paint, width)])


def full_text(result: Result, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """One environment with every effect by name and every finding."""
    lines = [*heading(result, graph, paint, width)]
    for judgement in result.survey.diagnosis.judgements if result.survey and result.survey.diagnosis else ():
        lines += ["", *_evidence(judgement, paint, width)]
    return "\n".join([*lines, *_findings(findings_of(result), None, paint, width)])


def revision_text(result: Result, revision: str, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """One revision on one environment, with all that is known of it."""
    lines = [*heading(result, graph, paint, width)]
    judged = result.survey.diagnosis.judgements if result.survey and result.survey.diagnosis else ()
    for judgement in judged:
        if judgement.revision.id == revision:
            objects = {describe(fact) for fact in (*judgement.absent, *judgement.left_over)}
            objects |= {describe(change.fact) for change in judgement.differing}
            mine = [one for one in findings_of(result) if revision in {one.revision, one.subject}]
            mine += [one for one in findings_of(result) if one not in mine and one.subject in objects]
            lines += [*_evidence(judgement, paint, width), *_findings(mine, None, paint, width)]
    if not judged and result.survey:
        there = revision in result.survey.position
        said = "applied, by the digest of the whole schema" if there else "pending"
        lines += block(f"{with_title(graph, revision)}: {said}", "  ", width, "  ")
    return "\n".join(lines)


_HEADERS = ("revision", "verdict", "claim", "there", "missing", "other shape", "not removed", "title")
_LEGEND = (
    "verdict: what the schema shows. claim: what the stamp or the tracker says. there, missing, other shape: how many "
    "objects that the revision makes. not removed: objects that it drops, and that are there."
)


def _revisions(seen: Survey, judged: Iterable[Judgement], paint: Paint, width: int) -> Iterator[str]:
    rows = []
    for pending, each in groupby(judged, lambda judgement: judgement.revision.id not in seen.position):
        group = list(each)
        untouched = pending and not any(judgement.present or judgement.claim.value != "none" for judgement in group)
        if untouched and len(group) > 2:
            ids = f"{group[0].revision.id} .. {group[-1].revision.id}"
            rows.append([Cell(ids), Cell(f"pending ({len(group)})", Style.CAUTION), *[Cell("")] * 6])
        else:
            rows += [_judgement(judgement, "pending" if pending else judgement.verdict.value) for judgement in group]
    yield from (f"  {line}" for line in listing(_HEADERS, rows, paint, width - 2))
    yield ""
    yield from (paint(line, Style.DIM) for line in block(_LEGEND, "  ", width))


def _judgement(judgement: Judgement, verdict: str) -> list[Cell]:
    shown = (judgement.present, judgement.absent, judgement.differing, judgement.left_over)
    claim, lying = judgement.claim.value, verdict in {"missing", "partial", "conflicting"}
    style = Style.BAD if lying and claim in {"executed", "stamped"} else Style.DIM if claim == "none" else Style.PLAIN
    return [
        Cell(judgement.revision.id),
        Cell(verdict, _VERDICTS.get(verdict, Style.DIM)),
        Cell(claim, style),
        *(Cell(f"{len(facts)}" if facts else "-") for facts in shown),
        Cell(judgement.revision.title, Style.DIM),
    ]


def _evidence(judgement: Judgement, paint: Paint, width: int) -> Iterator[str]:
    """A revision with each of its effects: there (+), missing (-), in another shape (~), not taken away (!)."""
    verdict = paint(judgement.verdict.value, _VERDICTS.get(judgement.verdict.value, Style.DIM))
    first, *rest = block(f"{judgement.revision.id}  {judgement.revision.title}".rstrip(), "  ", width, "  ")
    yield first.replace(judgement.revision.id, paint(judgement.revision.id, Style.BOLD), 1)
    yield from rest
    yield f"    claim {judgement.claim.value}, verdict {verdict}"
    for fact in judgement.present:
        yield from _marked("+", Style.GOOD, describe(fact), paint, width)
    for fact in judgement.absent:
        yield from _marked("-", Style.BAD, describe(fact), paint, width)
    for change in judgement.differing:
        yield from _marked("~", Style.CAUTION, explain(change), paint, width)
    for fact in judgement.left_over:
        yield from _marked("!", Style.CAUTION, f"{describe(fact)} is still there", paint, width)


def _marked(mark: str, style: Style, text: str, paint: Paint, width: int) -> Iterator[str]:
    first, *rest = block(text, "      ", width)
    yield f"    {paint(mark, style)} {first.strip()}"
    yield from rest


def _findings(found: Iterable[Finding], most: int | None, paint: Paint, width: int) -> Iterator[str]:
    order = list(Level)
    ranked = sorted(found, key=lambda finding: (order.index(finding.level), finding.code))
    for level, each in groupby(ranked, lambda finding: finding.level):
        title, style = _LEVELS[level]
        yield ""
        yield from (paint(line, style) for line in block(title, "  ", width))
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
    said = f"blocked by {pluralize(len(blockers), 'finding')}" if blockers else result.detail
    lines = [*headed(result.environment, f"{result.state.value}, {said}", paint, width, Style.BAD)]
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
        "lingering": [describe(fact) for fact in judgement.left_over],
    }
