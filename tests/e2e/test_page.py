"""The page for people, in a real browser."""

import contextlib
import json
import urllib.request

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from cluster import wait_for

WIDE, PHONE = (1100, 900), (390, 844)


@pytest.fixture
def fleet(cluster):
    return cluster.bring_up()


@contextlib.contextmanager
def browser(*arguments):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver")
                              if hasattr(webdriver, "ChromeService") else None)
    try:
        yield driver
    finally:
        driver.quit()


def open_page(driver, watcher, size=WIDE):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1],
                                                                   "deviceScaleFactor": 1, "mobile": False})
    driver.get(f"http://{watcher.address}/")


def text_of(driver, selector="body"):
    # In one step: what is found by a first one may be replaced before the second.
    return driver.execute_script("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).join('\\n')",
                                 selector)


def await_text(driver, text, selector="body", within=20):
    try:
        wait_for(lambda: text in text_of(driver, selector), within, f"\"{text}\" in {selector}", every=0.1)
    except TimeoutError as error:
        raise TimeoutError(f"{error}; there is: {text_of(driver, selector)}") from None


def await_fresh_figures(driver):
    # Not by the age that is shown: of figures as old as the last ones it is the same.
    seen = driver.execute_script("return lastAt")
    wait_for(lambda: driver.execute_script("return lastAt") != seen, what="fresh figures")


def complaints(driver):
    """What went wrong in the page, of itself."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def test_draws_the_group_and_follows_a_failover(cluster, fleet):
    nodes, sentinels, watchers = fleet
    master = cluster.master(nodes)
    others = [node for node in nodes if node is not master]
    with browser() as driver:
        open_page(driver, watchers[0])
        await_text(driver, master.address, "svg .master")
        for node in others:
            await_text(driver, f"replica{node.address}in step", "svg .replica")
        for sentinel in sentinels:
            await_text(driver, f"Sentinel{sentinel.address}agrees", "svg .sentinel")
        assert len(driver.find_elements(By.CSS_SELECTOR, "svg path.link:not(.broken)")) == 2
        assert "2 of 2 replicas attached, 3 of 3 Sentinels agree" in \
            driver.execute_script("return document.querySelector('svg').getAttribute('aria-label')")
        wait_for(lambda: driver.title == "redis-zk", what="no warning any more")

        master.kill_all()
        wait_for(lambda: [node for node in others if node.role == "master"], what="another master")
        new_master = cluster.master(others)
        await_text(driver, new_master.address, "svg .master")
        await_text(driver, f"the master is {new_master.address}, before {master.address}", "#events")
        await_text(driver, f"replica {master.address} has not answered", ".warnings")
        wait_for(lambda: driver.title != "redis-zk", what="the warnings in the title")

        master.start()
        cluster.await_agreement(nodes, sentinels, watchers)
        wait_for(lambda: driver.title == "redis-zk", within=60, what="no warning any more")
        # A watcher that begins anew has seen nothing of it, and tells it all the same.
        watchers[0].stop()
        watchers[0].start()
        wait_for(lambda: "before" not in text_of(driver, "#events"), what="its own events")
        await_text(driver, f"the master is {new_master.address}, before {master.address}", "#history")
        assert [entry for entry in complaints(driver) if "Failed to load resource" not in entry] == []


def test_shows_a_failover_that_is_under_way(cluster, fleet):
    """It cannot get on while two of three Sentinels are dead, so there is time to look."""
    nodes, sentinels, watchers = fleet
    master = cluster.master(nodes)
    others = [node for node in nodes if node is not master]
    alone, *dead = sentinels
    with browser() as driver:
        open_page(driver, watchers[0])
        await_text(driver, "agrees", "svg")
        for process in (*dead, master):
            process.kill_all()
        await_text(driver, f"master{master.address}silent for", "svg .master.silent")
        await_text(driver, f"Sentinel{alone.address}reports it as down", "svg .sentinel")
        for node in others:
            await_text(driver, f"replica{node.address}no link for", "svg .replica")
        assert len(driver.find_elements(By.CSS_SELECTOR, "svg path.link:not(.broken)")) == 0
        await_text(driver, f"{master.address} ", "details .warnings")
        assert driver.title != "redis-zk"

        for sentinel in dead:
            sentinel.start()
        wait_for(lambda: [node for node in others if node.role == "master"], what="another master")
        await_text(driver, f"master{cluster.master(others).address}", "svg .master:not(.silent)")
        await_text(driver, f"before {master.address}", "#events")
        assert complaints(driver) == []


def test_a_time_that_no_calendar_has_hides_nothing(cluster, fleet):
    _, _, (watcher,) = fleet
    cluster.kazoo.set("/redis/events", json.dumps({"version": 1, "events": [
        {"time": 1_700_000_000_000_000_000, "group": "", "kind": "nonsense", "sentence": "in nanoseconds"}]}).encode())
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "?in nanoseconds", "#history")
        await_text(driver, "agrees", "svg")
        assert complaints(driver) == []


def test_says_that_what_is_shown_is_old(fleet):
    _, _, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "as of", "#state")
        watcher.kill()
        await_text(driver, "the watcher does not answer; what is shown is old", "#state")
        watcher.start()
        await_text(driver, "as of", "#state")


def test_leaves_selected_text_alone_and_says_so(fleet):
    _, _, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "agrees", "svg")
        driver.execute_script("getSelection().selectAllChildren(document.querySelector('td.address'))")
        await_text(driver, "paused while text is selected", "#state")
        shown = driver.execute_script("return lastAt")
        asked = "return performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/status')).length"
        before = driver.execute_script(asked)
        wait_for(lambda: driver.execute_script(asked) > before + 1, what="further answers")
        assert driver.execute_script("return lastAt") == shown, "they are not shown"
        assert driver.execute_script("return !getSelection().isCollapsed")
        driver.execute_script("getSelection().removeAllRanges()")
        wait_for(lambda: "paused" not in text_of(driver, "#state"), what="fresh figures")


def test_reads_out_what_has_another_meaning_only(fleet):
    _, _, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "what is shown is fresh", "[role=status]")
        driver.execute_script("window.spoken = 0; new MutationObserver(list => { spoken += list.length; }).observe("
                              "document.querySelector('[role=status]'), { childList: true, characterData: true,"
                              " subtree: true })")
        for _ in range(2):
            await_fresh_figures(driver)
        assert driver.execute_script("return spoken") == 0
        watcher.kill()
        await_text(driver, "what is shown is old", "[role=status]")


def test_keeps_a_wide_table_where_it_was_scrolled(fleet):
    _, _, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher, PHONE)
        await_text(driver, "agrees", "svg")
        driver.execute_script("window.before = document.querySelector('.scroll'); before.scrollLeft = 40")
        wait_for(lambda: not driver.execute_script("return before.isConnected"), what="another table")
        assert driver.execute_script("return document.querySelector('.scroll').scrollLeft") == 40


def test_asks_for_nothing_while_nobody_looks(fleet):
    """Six pages in the background would take all connections that a browser has for a host."""
    _, _, (watcher,) = fleet
    hide = ("Object.defineProperty(document, 'hidden', { configurable: true, value: arguments[0] });"
            "document.dispatchEvent(new Event('visibilitychange'))")
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "as of", "#state")
        driver.execute_script(hide, True)
        assert driver.execute_script("return source === null")
        driver.execute_script(hide, False)
        wait_for(lambda: driver.execute_script("return source.readyState") == 1, what="the stream of events")
        assert complaints(driver) == []


def test_events_of_another_watcher_replace_those_of_the_first(fleet):
    _, _, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "is followed", "#events")
        driver.execute_script("tell({ kind: 'following', time: 0, sentence: 'of an earlier life' })")
        watcher.kill()
        watcher.start()
        wait_for(lambda: "of an earlier life" not in text_of(driver, "#events"), what="another history")
        await_text(driver, "is followed", "#events")


def test_tries_again_when_too_many_follow_the_events(fleet):
    _, _, (watcher,) = fleet
    with contextlib.ExitStack() as others, browser() as driver:
        for _ in range(512):
            others.enter_context(urllib.request.urlopen(f"http://{watcher.address}/events", timeout=5))
        open_page(driver, watcher)
        await_text(driver, "events are refused; retrying", "#events-state")
        others.close()
        wait_for(lambda: text_of(driver, "#events-state") == "", within=40, what="the stream of events")
        await_text(driver, "is followed", "#events")


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_fits_the_screen(cluster, fleet, size):
    _, _, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher, size)
        await_text(driver, "agrees", "svg")
        width, shown = driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= shown == size[0]
        assert driver.execute_script("return [...document.querySelectorAll('svg text')].every(text => {"
                                     " const box = text.getBoundingClientRect();"
                                     " return box.left >= 0 && box.right <= window.innerWidth; })")


def test_is_dark_in_the_dark(fleet):
    _, _, (watcher,) = fleet
    with browser() as driver:
        colours = {}
        for scheme in ("light", "dark"):
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                   {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            open_page(driver, watcher)
            paper = driver.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
            colours[scheme] = sum(json.loads(f"[{paper[paper.index('(') + 1:-1]}]")[:3])
        assert colours["dark"] < 200 < 600 < colours["light"]


def test_can_be_read_without_a_mouse(fleet):
    _, _, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "agrees", "svg")
        # To whatever has the focus by then: an element that was looked up before may be replaced meanwhile.
        webdriver.ActionChains(driver).send_keys("\ue004").perform()  # Tab
        wait_for(lambda: driver.execute_script("return document.activeElement.tagName") == "SUMMARY", what="the group")
        webdriver.ActionChains(driver).send_keys("\ue007").perform()  # Enter closes it, and it stays so
        wait_for(lambda: not driver.execute_script("return document.querySelector('details').open"), what="it closed")
        await_fresh_figures(driver)
        assert not driver.execute_script("return document.querySelector('details').open")
        assert driver.execute_script("return document.activeElement.tagName") == "SUMMARY"


def test_who_asks_for_text_gets_text(fleet):
    _, _, (watcher,) = fleet

    def get(accept):
        request = urllib.request.Request(f"http://{watcher.address}/", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.headers, answer.read().decode()

    for accept in ("*/*", "text/plain", "application/json, text/html"):
        headers, body = get(accept)
        assert headers["Content-Type"].startswith("text/plain") and "/status" in body
    headers, body = get("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert headers["Content-Type"].startswith("text/html") and "default-src 'none'" in headers["Content-Security-Policy"]
    assert "://" not in body.replace("http://www.w3.org/2000/svg", ""), "nothing is fetched from elsewhere"
