"""A folder of pages: brought up to date, never at the cost of what somebody else wrote, never outside of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.authoring.page_files import MARKER, PageChanges, compare, write_pages
from architect_migrate.core.errors import PagesError

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {"README.md": f"{MARKER}\nall\n", "tables/a.md": f"{MARKER}\na\n", "tables/b.md": f"{MARKER}\nb\n"}
FOLDERS = ("tables", "groups")


def put(folder: Path, pages: dict[str, str]) -> PageChanges:
    writing = compare(folder, pages, FOLDERS)
    write_pages(folder, pages, writing)
    return writing


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_gets_every_page_and_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    assert put(folder, PAGES) == PageChanges(new=tuple(PAGES))
    assert files(folder) == PAGES
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.md")}
    again = put(folder, PAGES)
    assert (again, again.needed) == (PageChanges(same=tuple(PAGES)), False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.md")} == times


def test_a_changed_page_is_written_and_one_that_nobody_needs_goes(tmp_path: Path) -> None:
    put(tmp_path, {**PAGES, "groups/g.md": f"{MARKER}\n"})
    (tmp_path / "README.md").chmod(0o600)
    wanted = {"README.md": f"{MARKER}\nnew\n", "tables/b.md": PAGES["tables/b.md"]}
    assert put(tmp_path, wanted) == PageChanges((), ("README.md",), ("groups/g.md", "tables/a.md"), ("tables/b.md",))
    assert files(tmp_path) == wanted
    assert not (tmp_path / "groups").exists()
    assert (tmp_path / "README.md").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tables" / "b.md").stat().st_mode & 0o777 == 0o644


def test_a_page_of_an_earlier_version_is_known_by_the_beginning_of_its_marker(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("<!-- archmig docs wrote this in other words -->\n")
    assert compare(tmp_path, PAGES, FOLDERS).changed == ("README.md",)


def test_files_of_others_stay(tmp_path: Path) -> None:
    mine = {"notes.md": "by hand", "tables/picture.png": "x", "groups/by_hand.md": "kept", "deeper/README.md": MARKER}
    for name, text in mine.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    put(tmp_path, PAGES)
    put(tmp_path, {"README.md": PAGES["README.md"]})
    assert files(tmp_path) == {**mine, "README.md": PAGES["README.md"]}


def outside(folder: Path) -> Path:
    place = folder.parent / "outside"
    place.mkdir()
    (place / "a.md").write_text(PAGES["tables/a.md"])
    return place


def hand_written(folder: Path) -> None:
    (folder / "tables").mkdir()
    (folder / "tables" / "b.md").write_text("# b\n")


def linked_folder(folder: Path) -> None:
    (folder / "tables").symlink_to(outside(folder))


def linked_page(folder: Path) -> None:
    (folder / "README.md").symlink_to(outside(folder) / "a.md")


def dangling_page(folder: Path) -> None:
    (folder / "README.md").symlink_to(folder.parent / "nowhere")


def page_as_folder(folder: Path) -> None:
    (folder / "README.md").mkdir()


def folder_as_file(folder: Path) -> None:
    (folder / "tables").write_text("")


@pytest.mark.parametrize(
    ("obstacle", "place"),
    [
        (hand_written, "tables/b.md"),
        (linked_folder, "tables"),
        (linked_page, "README.md"),
        (dangling_page, "README.md"),
        (page_as_folder, "README.md"),
        (folder_as_file, "tables"),
    ],
)
def test_what_is_in_the_way_is_named_before_anything_is_written(tmp_path: Path, obstacle: object, place: str) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    assert callable(obstacle)
    obstacle(folder)
    before = files(tmp_path)
    with pytest.raises(PagesError, match="move it away, or name another folder with --out") as caught:
        put(folder, PAGES)
    assert caught.value.subject == str(folder / place)
    assert files(tmp_path) == before


def test_a_link_to_the_folder_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put(tmp_path / "link", PAGES)
    assert files(tmp_path / "real") == PAGES


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PagesError, match="it is not a folder"):
        compare(tmp_path / "file", PAGES, FOLDERS)


def test_a_page_that_cannot_be_written_leaves_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, PAGES)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "README.md"))

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(PagesError, match=r"README\.md: No space left on device"):
        put(tmp_path, {**PAGES, "README.md": f"{MARKER}\nnew\n"})
    assert files(tmp_path) == PAGES


def test_letters_that_no_utf8_can_hold_are_written_in_escapes(tmp_path: Path) -> None:
    put(tmp_path, {"README.md": f"{MARKER}\n\udcff\n"})
    assert (tmp_path / "README.md").read_bytes().endswith(b"\n\\udcff\n")
    assert not compare(tmp_path, {"README.md": f"{MARKER}\n\udcff\n"}, FOLDERS).needed
