"""docs/reference/log-events.md lists the events of the source, each once, and no others."""

import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVENT = re.compile(r'\.event = "([^"]*)"')
ROW = re.compile(r"^\| `([^`]+)` \| (\S+) \| (.+) \| (.+) \|$", re.M)


def logged():
    """{event: where}"""
    found = collections.defaultdict(set)
    for path in sorted((ROOT / "src").rglob("*.[ch]*")):
        for event in EVENT.findall(path.read_text()):
            found[event].add(str(path.relative_to(ROOT)))
    return found


def test_the_reference_lists_every_event_once():
    listed = [row[0] for row in ROW.findall((ROOT / "docs/reference/log-events.md").read_text())]
    assert [event for event, times in collections.Counter(listed).items() if times > 1] == []
    assert sorted(set(logged()) - set(listed)) == [], "logged, and not in the reference"
    assert sorted(set(listed) - set(logged())) == [], "in the reference, and not logged"


def test_pages_name_events_that_are_logged():
    named = re.compile(r'\bevent=([a-z][a-z0-9-]*)|"event":"([^"]*)"')
    for path in sorted((ROOT / "docs").rglob("*.md")):
        said = {match[1] or match[2] for match in named.finditer(path.read_text())}
        assert sorted(said - set(logged())) == [], path.name


def test_codes_are_kebab_case():
    assert [event for event in logged() if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", event)] == []


def test_every_line_names_its_event():
    """By a literal, so that the test above sees it."""
    calls = re.compile(r"\blog::(?:Debug|Info|Warn|Error|Say)\((?:[a-z_:A-Z.]+, )?(\S+)")
    for path in sorted((ROOT / "src").rglob("*.cpp")):
        for match in calls.finditer(path.read_text()):
            assert match[1].startswith("{.event") or match[1].startswith("about"), (path.name, match[0])


def test_the_runbook_lists_every_name_of_a_wait_once():
    named = re.compile(r'\b(?:Decision::Wait|WaitForSentinels|Dispute|Refuse|AwaitStart|AwaitForced)\(\s*(?:view,\s*)?"([^"]*)"'
                       r'|\.name = "([^"]*)"|\bWaitAfter\([^"]*"([a-z-]+)"')
    said = {match[1] or match[2] or match[3] for path in (ROOT / "src").rglob("*.[ch]pp") for match in
            named.finditer(path.read_text())}
    text = (ROOT / "docs/operate/runbook.md").read_text().partition("### Names of waits")[2].partition("\n#")[0]
    listed = [name for row in re.findall(r"^\| (`.+?) \|", text, re.M) for name in re.findall("`([a-z-]+)`", row)]
    assert listed == sorted(listed) and len(listed) == len(set(listed))
    assert said == set(listed)
