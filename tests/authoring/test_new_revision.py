"""archmig new: the next revision file, in the chain's own looks, never over another one, never half."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path

import pytest

from architect_migrate.model.chain_config import beside
from architect_migrate.revisions.writer import graph_in_files
from support.cli import archmig, executable, primed
from support.new import MATRIX, chain, written
from support.plain_alembic import alembic
from support.scenarios import INI, ask

ALEMBIC = Path(str(util.find_spec("alembic").submodule_search_locations[0]))  # type: ignore[union-attr, index]  # it is there


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARCHITECT_ENV", raising=False)
    return chain(tmp_path)


def heads(folder: Path) -> list[str]:
    return sorted(line.split()[0] for line in alembic("heads", ini=folder / "alembic.ini").out.splitlines())


def test_the_file_is_the_next_one_in_the_house_template(folder: Path) -> None:
    done = archmig("new", "Add a mood to bugs.")
    assert (done.code, done.out) == (0, "alembic/versions/003_add_a_mood_to_bugs.py\n")
    assert done.err == "003_add_a_mood_to_bugs comes after 002_index\n"
    assert (folder / done.out.strip()).read_text(encoding="utf-8") == FILE
    assert heads(folder) == ["003_add_a_mood_to_bugs"]


FILE = '''"""Add a mood to bugs.

Say what this revision brings and why.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "003_add_a_mood_to_bugs"
down_revision = "002_index"
branch_labels = None
depends_on = None


def upgrade() -> None:
    data_step()


def data_step() -> None:
    """Insert the rows that this revision brings, where they are missing; it may run any number of times.

    See architect_migrate.seeds.insert_missing. A revision that brings no rows has no use for this.
    """


def downgrade() -> None:
    pass
'''


def test_plain_alembic_makes_the_same_file(folder: Path) -> None:
    words = ("revision", "-m", "Add a mood to bugs", "--rev-id", "003_add_a_mood_to_bugs")
    (folder / "alembic.ini").write_text(f"{INI}file_template = %%(rev)s\n", encoding="utf-8")
    assert alembic(*words, ini=folder / "alembic.ini").code == 0
    file = folder / "alembic" / "versions" / "003_add_a_mood_to_bugs.py"
    assert file.read_text(encoding="utf-8") == FILE


def test_the_data_step_of_the_template_is_none_until_something_is_in_it(folder: Path) -> None:
    file = folder / archmig("new", "Rows").out.strip()
    assert not graph_in_files(beside(folder / "alembic.ini")).revisions[-1].data_step
    text = file.read_text(encoding="utf-8").replace(
        'no use for this.\n    """', 'no use for this.\n    """\n    op.f("x")'
    )
    file.write_text(text, encoding="utf-8")
    assert graph_in_files(beside(folder / "alembic.ini")).revisions[-1].data_step


def test_one_with_sql_has_room_for_statements_and_runs_as_it_is(folder: Path) -> None:
    done = archmig("new", "Raw", "--sql")
    text = (folder / done.out.strip()).read_text(encoding="utf-8")
    assert text.count('    op.execute(\n        """\n-- Write one statement here') == 2
    assert "sqlalchemy" not in text
    assert archmig("upgrade", "-e", "qa", "--yes").code == 0
    assert archmig("downgrade", "002", "-e", "qa", "--yes").code == 0


def test_a_dry_run_prints_the_file_and_writes_nothing(folder: Path) -> None:
    before = written(folder)
    done = archmig("new", "Add a mood to bugs", "--dry-run")
    assert (done.code, done.out) == (0, FILE)
    assert done.err.splitlines()[-1] == "nothing was written: it would be alembic/versions/003_add_a_mood_to_bugs.py"
    assert written(folder) == before
    told = json.loads(archmig("new", "Add a mood to bugs", "--dry-run", "--json").out)
    assert (told["dry_run"], told["revision"]["text"]) == (True, FILE)


def test_json_says_where_it_is(folder: Path) -> None:
    told = json.loads(archmig("new", "Mood", "--json").out)
    assert told["revision"] == {
        "id": "003_mood",
        "title": "Mood",
        "parent": "002_index",
        "begins": None,
        "path": str(folder / "alembic" / "versions" / "003_mood.py"),
        "text": (folder / "alembic" / "versions" / "003_mood.py").read_text(encoding="utf-8"),
        "upgrade": None,
        "downgrade": None,
        "left": [],
        "flaws": [],
    }


def test_a_title_with_quotes_and_backslashes_comes_back_in_history(folder: Path) -> None:
    title = 'Say """no""" to C:\\new, "quoted"'
    assert archmig("new", title).code == 0
    assert graph_in_files(beside(folder / "alembic.ini")).revisions[-1].title == title


@pytest.mark.parametrize("title", ["", " . ", "two\nlines"])
def test_a_title_that_says_nothing_is_a_usage_error(folder: Path, title: str) -> None:
    done = archmig("new", title)
    assert (done.code, done.err) == (
        2,
        'archmig: a revision needs a title of one line (write archmig new "Add a mood to bugs")\n',
    )


def test_a_chain_of_random_ids_in_alembics_own_looks_goes_on_in_them(folder: Path) -> None:
    for old in (folder / "alembic" / "versions").glob("*.py"):
        old.unlink()
    ini = folder / "alembic.ini"
    (folder / "alembic" / "script.py.mako").write_bytes((ALEMBIC / "templates/generic/script.py.mako").read_bytes())
    text = "revision = '1975ea83b712'\ndown_revision = None\n"
    (folder / "alembic" / "versions" / "1975ea83b712_first.py").write_text(text, encoding="utf-8")
    done = archmig("new", "Bug mood")
    assert re.fullmatch(r"alembic/versions/[0-9a-f]{12}_bug_mood\.py\n", done.out)
    assert "Revises: 1975ea83b712" in (folder / done.out.strip()).read_text(encoding="utf-8")
    assert len(heads(folder)) == 1
    assert alembic("history", ini=ini).out.startswith("1975ea83b712 -> ")


def test_the_first_revision_of_a_chain_needs_no_other(folder: Path) -> None:
    for old in (folder / "alembic" / "versions").glob("*.py"):
        old.unlink()
    done = archmig("new", "Bugs")
    assert (done.out, done.err) == ("alembic/versions/001_bugs.py\n", "001_bugs is the first revision\n")


def test_a_chain_alone_needs_no_environments(folder: Path) -> None:
    (folder / "environments.toml").unlink()
    assert archmig("new", "Mood").out == "alembic/versions/003_mood.py\n"


def test_the_names_of_files_and_their_folders_are_the_chains_to_say(folder: Path) -> None:
    more = "recursive_version_locations = true\nfile_template = %%(year)d/%%(rev)s-%%(slug)s\n"
    (folder / "alembic.ini").write_text(f"{INI}{more}", encoding="utf-8")
    done = archmig("new", "Bug mood")
    assert re.fullmatch(r"alembic/versions/20\d\d/003_bug_mood-bug_mood\.py\n", done.out)
    second = archmig("new", "More")
    assert re.fullmatch(r"alembic/versions/20\d\d/004_more-more\.py\n", second.out)


def test_a_file_that_is_there_stays(folder: Path) -> None:
    (folder / "alembic.ini").write_text(f"{INI}file_template = same\n", encoding="utf-8")
    assert archmig("new", "One").out == "alembic/versions/same.py\n"
    before = written(folder), (folder / "alembic" / "versions" / "same.py").read_bytes()
    done = archmig("new", "Two")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("same.py: exists already (nothing was written: choose another title)\n")
    assert (written(folder), (folder / "alembic" / "versions" / "same.py").read_bytes()) == before


def test_two_at_once_come_one_after_the_other(folder: Path) -> None:
    with ThreadPoolExecutor(max_workers=3) as pool:
        done = list(pool.map(lambda title: executable("new", title, cwd=folder), ["a", "b", "c"]))
    assert [one.code for one in done] == [0, 0, 0], [one.err for one in done]
    assert sorted(one.out[len("alembic/versions/") :][:3] for one in done) == ["003", "004", "005"]
    assert len(heads(folder)) == 1


def test_what_hooks_print_is_not_on_stdout(folder: Path) -> None:
    hooks = "[post_write_hooks]\nhooks = touch\ntouch.type = exec\ntouch.executable = echo\ntouch.options = formatted\n"
    (folder / "alembic.ini").write_text(f"{INI}{hooks}", encoding="utf-8")
    done = executable("new", "Mood", cwd=primed(folder))
    assert (done.code, done.out) == (0, "alembic/versions/003_mood.py\n")
    assert "formatted" in done.err


BROKEN = {
    "a template that makes no Python": ("script.py.mako", "def (", "invalid syntax"),
    "a template that cannot be rendered": ("script.py.mako", "${nothing.such}", "Template rendering failed"),
    "a template without labels": ("script.py.mako", 'revision = "${up_revision}"\ndown_revision = "x"', "x"),
    "a revision that does not load": ("versions/002_index.py", "import nothing_such", "nothing_such"),
}


@pytest.mark.filterwarnings("ignore:Revision x referenced:UserWarning")
@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_what_does_not_load_is_not_written(folder: Path, case: tuple[str, str, str]) -> None:
    name, text, said = case
    (folder / "alembic" / name).write_text(text, encoding="utf-8")
    before = written(folder)
    done = archmig("new", "Mood")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert written(folder) == before


def test_without_a_template_it_says_where_to_get_one(folder: Path) -> None:
    template = folder / "alembic" / "script.py.mako"
    template.unlink()
    done = archmig("new", "Colours")
    assert (done.code, done.out) == (2, "")
    said = (
        "no such file; new revisions need this template (nothing was written: copy the one that `alembic init` creates)"
    )
    assert done.err == f"archmig: {template}: {said}\n"


def test_two_heads_are_refused_by_name(folder: Path) -> None:
    text = "from alembic import op\n\nrevision = '002_other'\ndown_revision = '001_bugs'\n\ndef upgrade():\n    pass\n"
    (folder / "alembic" / "versions" / "002_other.py").write_text(text, encoding="utf-8")
    done = archmig("new", "Mood")
    assert done.code == 2
    assert done.err == (
        f"archmig: {folder}/alembic.ini: 2 heads, 002_index and 002_other (name a branch with --branch, or merge them: "
        'alembic merge -m "Merge" 002_index 002_other; nothing was written)\n'
    )


def recursive(folder: Path) -> None:
    (folder / "alembic.ini").write_text(f"{INI}recursive_version_locations = true\n", encoding="utf-8")


def test_a_branch_begins_goes_on_and_leaves_the_trunk_alone(folder: Path) -> None:
    recursive(folder)
    first = archmig("new", "Try", "--branch", "dev")
    assert first.out == "alembic/versions/dev/003_try.py\n"
    assert first.err.splitlines() == [
        "003_try comes after 002_index",
        "the branch 'dev' begins with it, and as long as no environment lists it, all of them get it:",
        'write heads = ["head", "dev"] into environments.toml for those that are to have it to themselves',
    ]
    assert 'branch_labels = ("dev",)' in (folder / first.out.strip()).read_text(encoding="utf-8")
    assert archmig("new", "Try more", "--branch", "dev").out == "alembic/versions/dev/004_try_more.py\n"
    trunk = archmig("new", "Mood")
    assert (trunk.out, trunk.err) == ("alembic/versions/005_mood.py\n", "005_mood comes after 002_index\n")
    other = archmig("new", "Slot", "--branch", "slot")
    assert (other.out, other.err.splitlines()[0]) == (
        "alembic/versions/slot/006_slot.py\n",
        "006_slot comes after 005_mood",
    )
    assert heads(folder) == ["004_try_more", "006_slot"]


def test_those_that_list_a_branch_get_it_and_the_others_do_not(folder: Path) -> None:
    recursive(folder)
    listed = MATRIX.replace('"qa.db"\n', '"qa.db"\nheads = ["head", "dev"]\n')
    (folder / "environments.toml").write_text(listed, encoding="utf-8")
    done = archmig("new", "Try", "--branch", "dev", "--sql")
    assert (
        done.err.splitlines()[-1] == "the branch 'dev' begins with it; qa will have it, by heads in environments.toml"
    )
    assert archmig("new", "Mood").code == 0
    assert alembic("-x", "env=qa", "upgrade", "dev@head", ini=folder / "alembic.ini").code == 0
    assert alembic("-x", "env=prod", "upgrade", "dev@head", ini=folder / "alembic.ini").code != 0
    assert archmig("upgrade", "--all", "--yes").code == 0
    stamps = {name: ask(folder / f"{name}.db", "SELECT * FROM alembic_version ORDER BY 1") for name in ("qa", "prod")}
    assert stamps == {"qa": [("003_try",), ("004_mood",)], "prod": [("004_mood",)]}


def test_a_folder_where_alembic_would_not_look_is_refused(folder: Path) -> None:
    before = written(folder)
    done = archmig("new", "Try", "--branch", "dev")
    assert done.code == 2
    assert done.err == (
        f"archmig: {folder}/alembic/versions/dev: Alembic does not search folders below its version folder "
        "(nothing was written: add recursive_version_locations = true to [alembic] of alembic.ini)\n"
    )
    assert written(folder) == before


def test_a_folder_that_the_chain_lists_is_the_branches_own(folder: Path) -> None:
    more = "version_locations = %(here)s/alembic/versions %(here)s/branches/dev\npath_separator = space\n"
    (folder / "alembic.ini").write_text(f"{INI}{more}", encoding="utf-8")
    done = archmig("new", "Try", "--branch", "dev")
    assert done.out == "branches/dev/003_try.py\n", done.err
    assert archmig("new", "Mood").out == "alembic/versions/004_mood.py\n"


def test_a_branch_that_was_merged_is_over(folder: Path) -> None:
    recursive(folder)
    for words in (("Try", "--branch", "dev"), ("Mood",)):
        assert archmig("new", *words).code == 0
    merged = alembic("merge", "-m", "Merge", "--rev-id", "005_merge", "003_try", "004_mood", ini=folder / "alembic.ini")
    assert merged.code == 0
    done = archmig("new", "Try more", "--branch", "dev")
    assert (done.code, done.err) == (
        2,
        "archmig: dev: the branch has been merged (begin another branch, or leave --branch out; nothing was written)\n",
    )
    assert archmig("new", "On").err == "006_on comes after 005_merge\n"


@pytest.mark.parametrize("label", ["head", "a-b", "dev@head", "../dev", "002_index", "bücher"])
def test_what_cannot_be_a_label_is_refused(folder: Path, label: str) -> None:
    recursive(folder)
    before = written(folder)
    done = archmig("new", "Try", "--branch", label)
    assert done.code == 2
    assert "label" in done.err
    assert written(folder) == before


def test_a_flaw_that_is_an_error_keeps_it_from_being_written(folder: Path) -> None:
    template = folder / "alembic" / "script.py.mako"
    text = template.read_text(encoding="utf-8").replace(
        "    data_step()\n", "    op.execute('DROP TABLE nothing_such')\n"
    )
    template.write_text(text, encoding="utf-8")
    before = written(folder)
    done = archmig("new", "Mood", "--validate")
    assert (done.code, done.out) == (2, "")
    first, *_, last = done.err.splitlines()
    assert re.match(r"alembic/versions/003_mood\.py:\d+: AM\d\d\d .*nothing_such", first)
    assert (
        last == f"archmig: {folder}/alembic/versions/003_mood.py: violates 1 rule of level error (nothing was written)"
    )
    assert written(folder) == before
    assert archmig("new", "Mood").code == 0


def test_a_flaw_that_is_a_warning_is_told(folder: Path) -> None:
    done = archmig("new", "Mood", "--validate")
    assert (done.code, done.out) == (0, "alembic/versions/003_mood.py\n")
    assert re.match(r"alembic/versions/003_mood\.py:\d+: AM\d\d\d ", done.err)
    told = json.loads(archmig("new", "More", "--validate", "--json").out)["revision"]
    assert [one["grade"] for one in told["flaws"]] == ["warning"]


def test_options_that_contradict_each_other(folder: Path) -> None:
    assert archmig("new", "x", "--sql", "--from-db", "qa").err.startswith("archmig: --sql contradicts --from-db")
    assert archmig("new", "x", "--object", "bugs").err.startswith("archmig: --object needs --from-db")


def test_a_chain_that_cannot_be_written_says_so(folder: Path) -> None:
    (folder / "alembic").chmod(0o500)
    try:
        done = archmig("new", "Mood")
    finally:
        (folder / "alembic").chmod(0o700)
    if done.code:  # whoever runs this may be root
        assert "Permission denied (nothing was written)" in done.err
