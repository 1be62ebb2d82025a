"""Values of the objects that PostgreSQL has beside tables and indexes, from the rows of the catalog queries."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.details import PostgresMaterializedView, PostgresSequence, PostgresUnread
from architect_migrate.model.schema import Object, Trigger, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.databases.postgresql.pinned import Row
    from architect_migrate.model.detail import Detail

_HIGHEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
_RANGE = ("SUBTYPE", "MULTIRANGE_TYPE_NAME", "SUBTYPE_OPCLASS", "COLLATION", "CANONICAL", "SUBTYPE_DIFF")
# What a trigger or a rule is if it is not simply enabled.
_STATES = {"O": "", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_FIELDS = (
    *("arguments", "result", "parallel", "kind", "direct arguments", "sfunc", "finalfunc", "combinefunc"),
    *("serialfunc", "deserialfunc", "msfunc", "minvfunc", "mfinalfunc", "finalfunc_extra", "mfinalfunc_extra"),
    *("finalfunc_modify", "mfinalfunc_modify", "sortop", "stype", "sspace", "mstype", "msspace", "initcond"),
    "minitcond",
)
# The longest name that PostgreSQL keeps, in bytes.
_LONGEST = 63


def triggers(rows: Iterable[Row]) -> Iterator[Trigger]:
    """Yield the triggers; a trigger's name is unique in its table only."""
    for table, name, definition, state in rows:
        sql = _altered(definition, f"TABLE {quote(table)}", state, f"TRIGGER {quote(name)}")
        yield Trigger(f"{table}.{name}", table, _stated(definition, state), name, sql)


def _stated(definition: str, state: str) -> str:
    """A definition with its state in words."""
    return f"{definition}; {_STATES[state]}".rstrip("; ")


def _altered(definition: str, owner: str, state: str, what: str = "") -> str:
    """A definition with the statement that brings about its state."""
    words = (definition.rstrip(";"), f"ALTER {owner} {_STATES[state]} {what}".rstrip())
    return "; ".join(words) if _STATES[state] else words[0]


def views(rows: Iterable[Row]) -> Iterator[View]:
    """Yield the views, with their options and the defaults of their columns."""
    for name, kind, definition, options, defaults, _ in rows:
        if kind == "v":
            text = _query(definition)
            given = f"WITH ({', '.join(options)}) AS " if options else ""
            altered = (f"ALTER VIEW {quote(name)} ALTER {default}" for default in defaults)
            sql = "; ".join((f"CREATE VIEW {quote(name)} {given or 'AS '}{text}", *altered))
            yield View(name, "; ".join((given + text, *defaults)), name, sql)


def _query(definition: str) -> str:
    return definition.strip().removesuffix(";")


def objects(rows: Mapping[str, Iterable[Row]]) -> Iterator[Object]:
    """Yield everything that has no class of values of its own."""
    yield from _materialized_views(rows["view"])
    yield from _exclusions(rows["constraint"])
    yield from _rules(rows["rule"])
    yield from _policies(rows["policy"])
    yield from _statistics(rows["statistics"])
    yield from _sequences(rows["sequence"])
    yield from _types(rows["type"])
    yield from _functions(rows["function"])
    yield from _aggregates(rows["aggregate"])
    yield from _of_database(rows)
    yield from _unread(rows["unread"])


def _object(
    kind: str, name: str, body: str, sql: str = "", *, table: str = "", spelling: str = "", detail: Detail | None = None
) -> Object:
    return Object(kind, name, body, table, spelling or name, sql, detail)


def _materialized_views(rows: Iterable[Row]) -> Iterator[Object]:
    for name, kind, definition, *_, populated in rows:
        if kind == "m":
            body = _query(definition)
            sql = f"CREATE MATERIALIZED VIEW {quote(name)} AS {body}"
            yield _object("materialized view", name, body, sql, detail=PostgresMaterializedView(populated))


def _exclusions(rows: Iterable[Row]) -> Iterator[Object]:
    for table, name, kind, *_, disabled, stated in rows:
        if kind == "x":
            definition = stated + "; with disabled triggers" * disabled
            sql = f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(name)} {stated}"
            yield _object("exclusion constraint", name, definition, sql, table=table)


def _rules(rows: Iterable[Row]) -> Iterator[Object]:
    for table, name, definition, state in rows:
        sql = _altered(definition, f"TABLE {quote(table)}", state, f"RULE {quote(name)}")
        yield _object("rule", f"{table}.{name}", _stated(definition, state), sql, table=table, spelling=name)


def _policies(rows: Iterable[Row]) -> Iterator[Object]:
    for table, name, command, permissive, roles, using, check in rows:
        words = ["" if permissive else "AS RESTRICTIVE", f"FOR {_COMMANDS[command]}", f"TO {', '.join(roles)}"]
        words += [f"USING ({using})" if using else "", f"WITH CHECK ({check})" if check else ""]
        body = " ".join(filter(None, words))
        sql = f"CREATE POLICY {quote(name)} ON {quote(table)} {body}"
        yield _object("policy", f"{table}.{name}", body, sql, table=table, spelling=name)


def _statistics(rows: Iterable[Row]) -> Iterator[Object]:
    for table, name, body in rows:
        yield _object("statistics", name, body, f"CREATE STATISTICS {quote(name)} {body}", table=table)


def _sequences(rows: Iterable[Row]) -> Iterator[Object]:
    for name, persistence, options, table, column in rows:
        rest = [each for each in _options(options) if not each.startswith("START ")]
        words = [f"AS {options[0]}", *rest, f"OWNED BY {table}.{column}" if table else ""]
        body = ("UNLOGGED " if persistence == "u" else "") + " ".join(filter(None, words))
        plain = " ".join((f"AS {options[0]}", *_options(options)))
        start = next((each.removeprefix("START WITH ") for each in _options(options) if each not in rest), "")
        its = PostgresSequence(start, counts_down=options[2].startswith("-"))
        yield _object("sequence", name, body, f"CREATE SEQUENCE {quote(name)} {plain}", table=table or "", detail=its)


def _options(options: list[str]) -> Iterator[str]:
    """The options of a sequence that are not the defaults of its type."""
    of_type, start, increment, lowest, highest, cache, cycle = options
    most, is_rising = _HIGHEST.get(of_type, 0), int(increment) > 0
    bounds = (1, most) if is_rising else (-most - 1, -1)
    usual = (*map(str, bounds), lowest if is_rising else highest)
    if increment != "1":
        yield f"INCREMENT BY {increment}"
    if lowest != usual[0]:
        yield f"MINVALUE {lowest}"
    if highest != usual[1]:
        yield f"MAXVALUE {highest}"
    if start != usual[2]:
        yield f"START WITH {start}"
    if cache != "1":
        yield f"CACHE {cache}"
    if cycle == "true":
        yield "CYCLE"


def identity_of(table: str, column: str, identity: str, sequence: list[str] | None) -> str:
    """Return the words of an identity column after GENERATED, with the options that are not the defaults.

    A partition has none of its own: it uses the sequence of its parent.
    """
    if not identity:
        return ""
    words = "ALWAYS" if identity == "a" else "BY DEFAULT"
    if sequence is None:
        return words
    name, *options = sequence
    usual = f"{table}_{column}_seq"
    # Why a long one is never the usual one: PostgreSQL shortens both of its parts.
    own = [] if name == usual and len(usual.encode()) <= _LONGEST else [f"SEQUENCE NAME {quote(name)}"]
    return " ".join((words, *own, *_options(options)))


def _types(rows: Iterable[Row]) -> Iterator[Object]:
    for name, kind, labels, base, collation, not_null, default, checks, columns, of_range in rows:
        match kind:
            case "d":
                words = [base, f"COLLATE {collation}" if collation else "", f"DEFAULT {default}" if default else ""]
                words += ["NOT NULL" if not_null else "", *(f"CONSTRAINT {check}" for check in checks)]
                body = " ".join(filter(None, words))
                yield _object("domain", name, body, f"CREATE DOMAIN {quote(name)} AS {body}")
                continue
            case "e":
                body = f"ENUM ({', '.join(map(literal, labels))})"
            case "r":
                given = zip(_RANGE, of_range, strict=True)
                body = f"RANGE ({', '.join(f'{option} = {value}' for option, value in given if value)})"
            case _:
                body = f"({', '.join(columns)})"
        yield _object("type", name, body, f"CREATE TYPE {quote(name)} AS {body}")


def _functions(rows: Iterable[Row]) -> Iterator[Object]:
    for name, kind, arguments, definition in rows:
        if kind != "a":
            word = "procedure" if kind == "p" else "function"
            sql = f"CREATE OR REPLACE {word.upper()} {definition}"
            yield _object(word, f"{name}({', '.join(arguments)})", definition.strip(), sql, spelling=name)


def _aggregates(rows: Iterable[Row]) -> Iterator[Object]:
    for name, arguments, *values in rows:
        given = (pair for pair in zip(_FIELDS, values, strict=True) if pair[1] not in {None, 0})
        body = ", ".join(f"{field} = {value}" for field, value in given)
        yield _object("aggregate", f"{name}({', '.join(arguments)})", body, spelling=name)


def _of_database(rows: Mapping[str, Iterable[Row]]) -> Iterator[Object]:
    """Yield the objects that belong to the database, not to a schema."""
    for name, schema in rows["extension"]:
        yield _object("extension", name, f"SCHEMA {schema}" if schema else "", f"CREATE EXTENSION {quote(name)}")
    for name, event, tags, function, state in rows["event trigger"]:
        when = f" WHEN TAG IN ({', '.join(map(literal, tags))})" if tags else ""
        definition = f"ON {event}{when} EXECUTE FUNCTION {function}()"
        sql = _altered(f"CREATE EVENT TRIGGER {quote(name)} {definition}", f"EVENT TRIGGER {quote(name)}", state)
        yield _object("event trigger", name, _stated(definition, state), sql)


def _unread(rows: Iterable[Row]) -> Iterator[Object]:
    """Yield an object for each kind whose definitions are not read, with the number and names of its objects."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for kind, identity, definition in rows:
        found[kind][identity] = definition
    for kind, its in found.items():
        body = f"{len(its)}: {', '.join(sorted(its))}"
        yield _object("unread", kind, body, detail=PostgresUnread(tuple(sorted(its.items()))))
