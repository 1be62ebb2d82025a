"""Pieces of Markdown, read again by a CommonMark parser: a name is shown as it is, and nothing in it is obeyed."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from architect_migrate.cli.report.markdown import code, fenced, file_names, grid, link, prose
from architect_migrate.core.text import clean

MARKDOWN = MarkdownIt("commonmark").enable("table")
HOSTILE = (
    "plain",
    "two words",
    "a|b",
    "a\\|b",
    "a\\\\|b",
    "end\\",
    "tick`s ``and`` more",
    "`",
    "``",
    "<script>alert(1)</script>",
    "<!-- x",
    "-->",
    "[x](http://evil)",
    "![x](y)",
    "](x)",
    "a](b",
    "*bold* _it_ **b** __b__",
    "_a_",
    "&amp; &#60;",
    "# no heading",
    "- no list",
    "1. no list",
    "~~~",
    "| --- |",
    "line\nend",
    "cr\rlf\r\nx",
    "tab\there",
    "nul\0",
    "\x1b[31mred",
    "right\u202eleft",
    "straße \U0001f600",
    "../../etc/passwd",
    "C:\\nul",
    "'quotes' \"too\"",
    "$x$ @you #1 :smile: http://x.y",
    "",
    " ",
    " a ",
    "  b",
    "x" * 300,
)


def texts(html: str) -> str:
    """The text of a piece of HTML that holds no element but those that Markdown makes of names."""
    assert set(re.findall(r"<(/?\w+)", html)) <= {"p", "/p", "code", "/code", "a", "/a", "td", "/td", "li", "/li"}, html
    bare = re.sub(r"<[^>]*>", "", html).strip("\n")
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        bare = bare.replace(entity, letter)
    return bare


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("piece", [code, prose])
def test_a_name_in_a_line_is_shown_to_the_letter(name: str, piece: object) -> None:
    assert callable(piece)
    html = MARKDOWN.render(f"x {piece(name)} y")
    wanted = clean(name) or (" " if piece is code else "")
    assert texts(html) == f"x {wanted} y"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_table_stays_in_its_cell(name: str) -> None:
    html = MARKDOWN.render("\n".join(grid(("a", "b:"), [(code(name), f"x {prose(name)} y"), ("last", "one")])))
    cells = [texts(one) for one in re.findall(r"<td.*?</td>", html, re.DOTALL)]
    assert cells == [clean(name) or " ", f"x {clean(name)} y", "last", "one"]
    assert html.count("<tr>") == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_link_leads_where_it_should_and_is_called_as_it_is(name: str) -> None:
    (stem,) = file_names([name])
    html = MARKDOWN.render(f"[x] {link(name, f'tables/{stem}.md')} y")
    assert re.findall(r'href="([^"]*)"', html) == [f"tables/{stem}.md"]
    assert texts(html) == f"[x] {clean(name) or ' '} y"


@pytest.mark.parametrize("name", [*HOSTILE, "```\nout\n```", "~~~\n```sql\n````\n"])
def test_nothing_gets_out_of_a_block(name: str) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{fenced('sql', name)}\n\nafter")
    assert [token.type for token in tokens if token.type in {"fence", "html_block", "heading_open"}] == ["fence"]
    (block,) = [token for token in tokens if token.type == "fence"]
    assert block.content == "\n".join("\t".join(map(clean, line.split("\t"))) for line in lines(name)) + "\n"


def lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def test_every_name_has_a_file_of_its_own_in_whatever_case() -> None:
    names = [*HOSTILE, "É", "é", "a b", "a-b", "a_b", "con", "lpt1", "x" * 299, "README", "a b" + "x" * 90]
    found = dict(zip(names, file_names(names), strict=True))
    assert len({one.casefold() for one in found.values()}) == len(names)
    assert [one for one in found.values() if not re.fullmatch(r"[a-z0-9_-]{1,60}", one)] == []
    assert [found[one] for one in ("plain", "a_b")] == ["plain", "a_b"]
    assert found["two words"].startswith("two-words-")
    assert not {"con", "lpt1"} & set(found.values())


def test_two_names_that_would_share_a_file_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("architect_migrate.cli.report.markdown._stem", lambda _: "same")
    assert file_names(["b", "a", "c"]) == ["same", "same-2", "same-3"]


def test_the_file_of_a_name_is_the_same_whatever_else_is_there() -> None:
    assert file_names(["a|b"]) == [file_names(HOSTILE)[HOSTILE.index("a|b")]]
