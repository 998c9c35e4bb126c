"""The page for people, in a real browser, with made-up answers: many groups, trouble of each kind, every way to read it."""

import json

import jsonschema
import pytest
from selenium.webdriver.common.by import By
import yaml

from canned import (Canned, at_risk, down, failed_over, failing_over, group, lagging, server, silent, status, step, well)
from cluster import ROOT, wait_for
from pages import (ENTER, ESCAPE, PHONE, TAB, WIDE, await_fresh_figures, await_text, browser, complaints, open_page, overflow,
                   press, text_of)

API = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())


@pytest.fixture(scope="module")
def chromium():
    with browser() as driver:
        yield driver


@pytest.fixture
def driver(chromium):
    chromium.get_log("browser")
    yield chromium
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert [entry for entry in complaints(chromium) if "Failed to load resource" not in entry] == []
    chromium.get("about:blank")


def mixed(count):
    """A fleet in which four groups are of other kinds than well."""
    groups = well(count)
    groups[7], groups[11] = failing_over(groups[7]), lagging(groups[11])
    groups[20], groups[3] = at_risk(groups[20]), failed_over(groups[3])
    return groups


def everything_dead():
    groups = [down(each) for each in well(3)]
    for each in groups:
        each["replicas"] = [silent(replica, 12_000) for replica in each["replicas"]]
        for sentinel in each["sentinels"]:
            sentinel.update(level="bad", state="does not answer", details="", error="does not answer")
            del sentinel["believes"]
    return groups


def names(driver):
    return driver.execute_script("return [...document.querySelectorAll('#rows [data-group]')].map(e => e.dataset.group)")


def row_of(driver, name):
    return driver.execute_script("return [...document.querySelector(`[data-group='${arguments[0]}']`).closest('tr').cells]"
                                 ".map(cell => cell.textContent)", name)


@pytest.mark.parametrize("groups", [[group("master1")], mixed(30), everything_dead(), [failed_over(group("master1"))]])
def test_the_answers_are_what_a_watcher_says(groups):
    jsonschema.validate(status(groups), {"$ref": "#/components/schemas/Status", "components": API["components"]},
                        cls=jsonschema.Draft202012Validator)


def test_one_group_is_open_with_its_drawing(driver):
    with Canned([group("master1")]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "master1 is writable", "#verdict")
        assert "10.1.1.1:6379" in text_of(driver, "svg .master") and "in step" in text_of(driver, "svg .replica")
        assert row_of(driver, "master1")[:2] == ["● well", "yes, 2 h"]
        assert driver.title == "redis-zk"
        # The drawing says how the servers are, the table has figures.
        assert "in step" not in text_of(driver, ".figures") and "1.5 MB" not in text_of(driver, "svg")


@pytest.mark.parametrize("count", [30, 100])
def test_trouble_comes_first_and_a_group_is_one_line(driver, count):
    with Canned(mixed(count)) as watcher:
        open_page(driver, watcher)
        await_text(driver, f"1 of {count} groups not writable: group-008", "#verdict")
        assert "1 at risk, 1 with warnings" in text_of(driver, "#verdict")
        assert names(driver)[:4] == ["group-008", "group-021", "group-012", "group-001"] and len(names(driver)) == count
        assert [row_of(driver, name)[0] for name in names(driver)[:4]] == ["■ down", "▲ at risk", "◆ warning", "● well"]
        assert row_of(driver, "group-008")[1].startswith("no, 1")
        assert "selected the replica 10.1.8.2:6379" in row_of(driver, "group-008")[-1], "how far the failover is"
        assert row_of(driver, "group-012")[-1] == "replica 10.1.12.2:6379 is 12.0 MB behind"
        assert row_of(driver, "group-004")[-1].startswith("master changed 6")
        lines = driver.execute_script("return [...document.querySelectorAll('.row')].map(row => row.offsetHeight)")
        assert max(lines) <= 32 and overflow(driver) == []
        assert driver.title == "■ 1 down: redis-zk"


def test_filters_by_hand_and_by_keyboard(driver):
    with Canned(mixed(30)) as watcher:
        open_page(driver, watcher)
        await_text(driver, "3 not well", "#shown")
        assert text_of(driver, "#shown button") == "30 groups\n3 not well\n27 well"
        driver.find_element(By.CSS_SELECTOR, "[data-shown=bad]").click()
        assert names(driver) == ["group-008", "group-021", "group-012"]
        assert driver.execute_script("return document.querySelector('[data-shown=bad]').ariaPressed") == "true"
        press(driver, "/", "021")
        assert names(driver) == ["group-021"]
        press(driver, ESCAPE)
        assert len(names(driver)) == 3
        driver.find_element(By.CSS_SELECTOR, "[data-shown=all]").click()
        press(driver, "/", "10.1.29.3")
        assert names(driver) == ["group-029"], "by the address of a replica"
        press(driver, "x")
        assert names(driver) == [] and text_of(driver, "#none") == "no group is like that"
        press(driver, ESCAPE, TAB, ENTER)
        assert driver.execute_script("return document.activeElement.dataset.group") == "group-008"
        assert "Failover under way" in text_of(driver, "tr.detail")
        # The focus and what was opened stay through further answers, and when the line moves.
        watcher.now([at_risk(each) if each["name"] == "group-008" else each for each in well(30)])
        await_text(driver, "▲ at risk", "tr.row.is-at-risk")
        watcher.now(well(30))
        await_text(driver, "all 30 groups are writable", "#verdict")
        wait_for(lambda: names(driver).index("group-008") == 7, what="the line in its place")
        assert driver.execute_script("return document.activeElement.dataset.group") == "group-008"
        assert "10.1.8.1:6379" in text_of(driver, "tr.detail svg")
        press(driver, ENTER)
        assert text_of(driver, "tr.detail") == ""


def test_tells_the_phases_of_a_failover(driver):
    with Canned([failing_over(group("master1"))]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "master1 is not writable", "#verdict")
        phases = text_of(driver, ".detail .steps li").splitlines()
        assert phases == [
            "+0.00 s+sdownSentinel 10.0.1.1:26379 reports the master 10.1.1.1:6379 as down (s_down)",
            "+0.07 s+odownhas the quorum to report the master 10.1.1.1:6379 as down (o_down)",
            "+0.08 s+try-failoverasks to lead a failover of the master 10.1.1.1:6379",
            "+0.15 s+elected-leaderwas elected to lead the failover",
            "+0.20 s+selected-slaveselected the replica 10.1.1.2:6379 for promotion"]
        watcher.groups = [failed_over(group("master1"))]
        watcher.tell("master-changed", "master1", "master1: the master is 10.1.1.1:6379")
        await_text(driver, "master1 is writable", "#verdict", within=1)
        assert text_of(driver, ".detail .steps") == ""
        assert "10.1.1.2:6379 → 10.1.1.1:6379, 1.9 s without a master" in text_of(driver, "#failovers summary")
        assert "+1.90 srecordedthe record names 10.1.1.1:6379" in text_of(driver, "#failovers li")
        assert "master1: the master is 10.1.1.1:6379" in text_of(driver, "#events")


def test_the_master_of_a_while_ago_comes_from_the_event_log(driver):
    entry = {"time": 1_764_000_000_123, "group": "master1", "kind": "master-changed", "by": "host:1", "from": None,
             "sentence": "master1: the master is 10.1.1.1:6379, before 10.1.1.3:6379: a Sentinel says so"}
    with Canned([group("master1")], history=[entry]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "2025-11-24T16:00:00.123Zmaster1the master is 10.1.1.1:6379, before 10.1.1.3:6379", "#failovers")
        assert "2025-11-24T16:00:00.123Zmaster1: the master" in text_of(driver, "#history")


def test_everything_is_dead(driver):
    with Canned(everything_dead(), following=None, zookeeper={"connected": False, "age_ms": 42_000},
                warnings=["ZooKeeper has been unreachable for 42 s"]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "3 of 3 groups not writable: group-001, group-002, group-003", "#verdict")
        assert "■ unreachable for 42 s" in text_of(driver, "#watcher") and "■ no Sentinel" in text_of(driver, "#watcher")
        driver.find_element(By.CSS_SELECTOR, "[data-group=group-001]").click()
        assert text_of(driver, ".detail .figures").count("Connection refused") == 3
        assert len(driver.find_elements(By.CSS_SELECTOR, "svg .silent")) == 6
        # The age goes on between two answers.
        age = "return document.querySelector('#watcher [data-key=ZooKeeper] [data-since]').textContent"
        wait_for(lambda: driver.execute_script(age) not in ("42 s", "43 s"), what="the age to go on")


def test_says_what_waits_for_what(driver):
    waiting = lagging(group("master1"))
    waiting["waits"] = [{"daemon": "redis-wrapper", "address": "10.1.1.2:6379", "name": "copy", "sentence": "copying the data",
                         "waiting_ms": 44_000, "ends_within_ms": 60_000, "needs_person": False},
                        {"daemon": "watcher", "address": None, "name": "record", "sentence": "set FORCE_MASTER",
                         "waiting_ms": 90_000, "ends_within_ms": None, "needs_person": True}]
    with Canned([waiting]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "2 waits; replica 10.1.1.2:6379 is 12.0 MB behind", ".why")
        await_text(driver, "redis-wrapper 10.1.1.2:6379, for 44 s: copying the data (ends within 60 s)", ".detail dl")
        await_text(driver, "a person", ".detail dl")


def test_what_is_old_is_called_old(driver):
    with Canned([group("master1")]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "master1 is writable", "#verdict")
        watcher.now(answers=False)
        await_text(driver, "this watcher does not answer; what is shown is of 20", "#lost")
        assert text_of(driver, "#verdict") == "? last seen: master1 is writable"
        assert "●" not in text_of(driver, "#watcher"), "what it said of itself is old, too"
        assert driver.title == "(?) redis-zk"
        watcher.more = {"observed_age_ms": 61_000}
        watcher.now()
        await_text(driver, "■ 61 s ago", "#watcher")
        assert text_of(driver, "#verdict") == "? last seen: master1 is writable" and text_of(driver, "#lost") == ""


def test_times_are_those_of_the_log_wherever_the_browser_is(driver):
    driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    try:
        with Canned([group("master1")]) as watcher:
            open_page(driver, watcher)
            await_text(driver, "is writable", "#verdict")
            watcher.tell("following", "", "Sentinel 10.0.1.1:26379 is followed")
            await_text(driver, "is followed", "#events", within=1)
            told = text_of(driver, "#events time")
            assert told == driver.execute_script("return new Date(events[0].time).toISOString()") and told.endswith("Z")
    finally:
        driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_a_time_that_no_calendar_has_hides_nothing(driver):
    entry = {"time": 1_700_000_000_000_000_000, "group": "", "kind": "nonsense", "sentence": "in nanoseconds", "by": "",
             "from": None}
    with Canned([group("master1")], history=[entry]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "?in nanoseconds", "#history")
        await_text(driver, "agrees", "svg")


def test_what_others_wrote_is_text(driver):
    evil = "<img src=x onerror='document.title=1'>"
    spoilt = lagging(group(evil))
    spoilt["warnings"] = [evil]
    spoilt["state"]["sentence"] = spoilt["record"]["reason"] = evil
    spoilt["replicas"][0].update(state=evil, address=evil)
    spoilt["failover"] = {"steps": [step(evil, evil, 10)]}
    with Canned([spoilt], warnings=[evil], history=[{"time": 0, "group": evil, "kind": "master-changed", "sentence": evil,
                                                     "by": evil, "from": evil}],
                wrappers=[{"daemon": evil, "address": evil, "remarks": [evil]}]) as watcher:
        open_page(driver, watcher)
        await_text(driver, evil, "#rows")
        assert f"{evil} {evil}: {evil}" in text_of(driver, "#warnings")
        watcher.tell("following", evil, evil)
        await_text(driver, evil, "#events")
        assert driver.find_elements(By.TAG_NAME, "img") == []


def test_leaves_selected_text_alone(driver):
    with Canned([group("master1")]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "10.1.1.2:6379", ".figures")
        driver.execute_script("getSelection().selectAllChildren(document.querySelector('.figures tbody th'))")
        for _ in range(2):
            watcher.now()
            await_fresh_figures(driver)
        assert driver.execute_script("return getSelection().toString()") == "10.1.1.1:6379"


def test_reads_out_what_has_another_meaning_only(driver):
    with Canned([group("master1")]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "master1 is writable", "[role=status]")
        driver.execute_script("window.spoken = 0; new MutationObserver(list => { spoken += list.length; }).observe("
                              "document.querySelector('[role=status]'), { childList: true, characterData: true,"
                              " subtree: true })")
        for _ in range(2):
            watcher.now()
            await_fresh_figures(driver)
        assert driver.execute_script("return spoken") == 0
        watcher.now([down(group("master1"))])
        await_text(driver, "master1 is not writable", "[role=status]")
        assert driver.execute_script("return spoken") > 0


def test_asks_for_nothing_while_nobody_looks(driver):
    """Six pages in the background would take all connections that a browser has for a host."""
    hide = ("Object.defineProperty(document, 'hidden', { configurable: true, value: arguments[0] });"
            "document.dispatchEvent(new Event('visibilitychange'))")
    with Canned([group("master1")]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "live", "#watcher")
        driver.execute_script(hide, True)
        assert driver.execute_script("return source === null")
        driver.execute_script(hide, False)
        wait_for(lambda: driver.execute_script("return source.readyState") == 1, what="the stream of events")


@pytest.mark.parametrize("size", [WIDE, PHONE, (320, 568), (2560, 1440)])
def test_fits_the_screen(driver, size):
    long = failing_over(failed_over(group("a-name-that-is-as-long-as-names-of-groups-ever-are-and-longer")))
    long["replicas"].append(server("2001:db8:1234:5678:9abc:def0:1234:5678", "replica", attached=False))
    with Canned([long], history=[{"time": 0, "group": "", "kind": "nonsense", "sentence": "x" * 200, "by": "", "from": None}]) as watcher:
        open_page(driver, watcher, size)
        await_text(driver, "Failover under way", ".detail")
        driver.execute_script("for (const closed of document.querySelectorAll('details')) closed.open = true")
        assert overflow(driver) == []


# Of the text and what is behind it, as WCAG 2.1 defines it.
CONTRAST = """
    const light = text => {
      const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = element => {
      for (let at = element; at; at = at.parentElement) {
        const colour = getComputedStyle(at).backgroundColor;
        if (!colour.endsWith(", 0)")) return colour;
      }
    };
    return [...document.querySelectorAll("body *")].filter(element => [...element.childNodes].some(
        child => child.nodeType === 3 && child.nodeValue.trim()) && element.getBoundingClientRect().height > 1
        && !["SCRIPT", "STYLE", "title"].includes(element.nodeName))
      .map(element => {
        const style = getComputedStyle(element);
        const box = element.nodeName === "text" && element.parentElement.querySelector("rect");
        const [one, other] = [light(box ? style.fill : style.color), light(box ? getComputedStyle(box).fill : paper(element))];
        return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), element.outerHTML.slice(0, 120)];
      }).filter(([ratio]) => ratio < 4.5);"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_can_be_read_by_day_and_by_night(driver, scheme):
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    with Canned([*mixed(30), *everything_dead()][3:], warnings=["a warning"]) as watcher:
        open_page(driver, watcher)
        await_text(driver, "not writable", "#verdict")
        driver.find_element(By.CSS_SELECTOR, "[data-group=group-008]").click()
        paper = driver.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        brightness = sum(json.loads(f"[{paper[paper.index('(') + 1:-1]}]")[:3])
        assert brightness < 200 if scheme == "dark" else brightness > 600
        assert driver.execute_script(CONTRAST) == []
        watcher.now(answers=False)
        await_text(driver, "does not answer", "#lost")
        assert driver.execute_script(CONTRAST) == []


def test_has_names_for_those_who_listen(driver):
    with Canned(mixed(30)) as watcher:
        open_page(driver, watcher)
        await_text(driver, "not writable", "#verdict")
        driver.find_element(By.CSS_SELECTOR, "[data-group=group-008]").click()
        tree = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]

        def named(role):
            return [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == role
                    and not node.get("ignored")]

        assert "Groups" in named("table") and "columnheader" in {node["role"]["value"] for node in tree if "role" in node}
        assert {"State", "Writable", "Group", "Why"} <= set(named("columnheader"))
        assert "master 10.1.8.1:6379: silent for 12 s" in named("listitem"), "of the drawing"
        assert [name for role in ("button", "searchbox", "textbox") for name in named(role) if not name] == []
        assert {"Failovers", "Groups"} <= set(named("heading"))
