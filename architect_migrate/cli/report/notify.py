"""The JSON that `check --notify` sends: which results changed since the last check, as docs/json.md has it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import shortened
from architect_migrate.cli.report.shared import VERSION
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import clean, escaped_json
from architect_migrate.model.revision_graph import heads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.cli.documents.reading import NewsJson, NotifyDocument, ToldVerdictJson, VerdictJson
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Result

# What makes a check's outcome another one; the rest explains it, and may differ from time to time.
_TELLING = ("verdict", "state", "heads", "pending", "breaking", "behavioural", "error")
_WORDS = {"cannot_tell": "could not be checked", "differs": "differs", "clean": "is clean"}
_BEFORE = {"clean": "was clean before", "differs": "differed before", "cannot_tell": "could not be checked before"}


def verdict_json(result: Result, why: str, graph: RevisionGraph) -> VerdictJson:
    """How the check of one environment came out; `why` is empty where it is clean."""
    seen, error = result.survey, result.error
    drift: Mapping[str, int] = seen.drift if seen else {}
    return {
        "verdict": "cannot_tell" if seen is None else "differs" if why else "clean",
        "state": result.state.name.lower(),
        "heads": [*heads(graph, seen.position)] if seen else [],
        "pending": [*seen.pending] if seen else [],
        "breaking": drift.get("breaking", 0),
        "behavioural": drift.get("behavioural", 0),
        "why": mask(why or (result.detail if seen is None else "")) or None,
        "error": type(error).__name__ if error else None,
    }


def is_news(now: Mapping[str, object], last: Mapping[str, object] | None) -> bool:
    """Whether an outcome is another one than the last, or the first of all."""
    return last is None or any(now[name] != last.get(name) for name in _TELLING)


def news_json(result: Result, now: VerdictJson, last: ToldVerdictJson | None) -> NewsJson:
    """An environment that came out otherwise: from what, to what, and what was found there in numbers."""
    found = result.survey.findings if result.survey else ()
    number = Counter((finding.level, finding.code) for finding in found)
    first = {(finding.level, finding.code): finding.subject for finding in reversed(found)}
    return {
        "name": result.environment,
        "database": result.database,
        "from": last,
        "to": now,
        "findings": [
            {"level": key[0].value, "code": key[1], "count": count, "first": first[key]}
            for key, count in number.items()
        ],
    }


def news_document(changes: Iterable[NewsJson], *, exit_code: int, config: str, at: str, host: str) -> str:
    """The document, with a line of text that chat services show; no URL in it holds a secret."""
    told = [*changes]
    whole: NotifyDocument = {
        "version": VERSION,
        "event": "check",
        "text": news_text(told),
        "time": at,
        "host": host,
        "config": config,
        "exit_code": exit_code,
        "environments": told,
    }
    return escaped_json(mask(json.dumps(whole, ensure_ascii=False)))


def news_text(changes: list[NewsJson]) -> str:
    """The changes in a line, what is not clean first."""
    ordered = sorted(changes, key=lambda change: [*_WORDS].index(change["to"]["verdict"]))
    return clean(f"archmig check: {shortened([_phrase(name) for name in ordered], 10)}")


def _phrase(change: NewsJson) -> str:
    now, last = change["to"], change["from"]
    before = [_BEFORE[last["verdict"]]] if last and last["verdict"] != now["verdict"] else []
    said = "; ".join([*([now["why"]] if now["why"] else []), *before])
    return f"{change['name']} {_WORDS[now['verdict']]}" + (f" ({said})" if said else "")
