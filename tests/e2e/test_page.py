"""The page for people, in a real browser, of a real watcher; test_page_scenes.py has what made-up answers can show."""

import contextlib
import re
import urllib.request

import pytest
from selenium.webdriver.common.by import By

from cluster import wait_for
from pages import await_text, browser, complaints, open_page, text_of


@pytest.fixture
def fleet(cluster):
    return cluster.bring_up()


# Notes when each step of a failover stands in the page for the first time.
NOTE_STEPS = """
    window.seen = {};
    new MutationObserver(() => {
      for (const step of document.querySelectorAll(".steps li .mono")) seen[step.textContent] ??= Date.now();
      if (document.querySelector("tr.is-down")) seen.down ??= Date.now();
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });"""


def test_shows_a_failover_while_it_happens(cluster, fleet, figure):
    nodes, sentinels, watchers = fleet
    master = cluster.master(nodes)
    others = [node for node in nodes if node is not master]
    with browser() as driver:
        open_page(driver, watchers[0])
        await_text(driver, "master1 is writable", "#verdict")
        await_text(driver, f"{master.address}answers", "svg .master")
        for node in others:
            await_text(driver, f"replica{node.address}in step", "svg .replica")
        for sentinel in sentinels:
            await_text(driver, f"Sentinel{sentinel.address}agrees", "svg .sentinel")
        assert len(driver.find_elements(By.CSS_SELECTOR, "svg path.link:not(.broken)")) == 2
        assert "2 of 2 replicas attached, 3 of 3 Sentinels agree" in \
            driver.execute_script("return document.querySelector('svg').getAttribute('aria-label')")
        wait_for(lambda: driver.title == "redis-zk", what="no warning any more")

        driver.execute_script(NOTE_STEPS)
        master.kill_all()
        wait_for(lambda: [node for node in others if node.role == "master"], what="another master")
        new_master = cluster.master(others)
        await_text(driver, f"{new_master.address}answers", "svg .master")
        await_text(driver, f"the master is {new_master.address}, before {master.address}", "#events")
        await_text(driver, f"{master.address} → {new_master.address}", "#failovers summary")
        await_text(driver, "+switch-master", "#failovers")
        await_text(driver, f"replica {master.address} has not answered", ".why")
        assert "warning" in text_of(driver, "tr.row") and driver.title != "redis-zk"
        seen = driver.execute_script("return seen")
        published = driver.execute_script("return Object.fromEntries(events.filter(e => e.fields.step).map("
                                          "e => [e.fields.step, e.time]))")
        # One that does not lead the failover, and hears of it soon, publishes no more.
        assert {"+sdown", "+switch-master"} <= set(published) <= set(seen)
        delays = {step: seen[step] - time for step, time in published.items()}
        figure(f"a step of a failover in the page, after its event: {max(delays.values())} ms at most, {delays}")
        assert max(delays.values()) <= 1000
        assert seen["down"] - published["+sdown"] <= 1000, "the group is down from the first sign on"

        master.start()
        cluster.await_agreement(nodes, sentinels, watchers)
        await_text(driver, "● well", "tr.row", within=60)
        assert re.search(r"yes, \d+(\.\d)? s", text_of(driver, "tr.row")), "since the failover"
        # A watcher that begins anew has seen nothing of it, and tells it all the same.
        watchers[0].stop()
        await_text(driver, "this watcher does not answer", "#lost")
        watchers[0].start()
        wait_for(lambda: "before" not in text_of(driver, "#events"), what="its own events")
        await_text(driver, f"the master is {new_master.address}, before {master.address}", "#failovers")
        assert [entry for entry in complaints(driver) if "Failed to load resource" not in entry] == []


def test_shows_a_failover_that_cannot_get_on(cluster, fleet):
    """While two of three Sentinels are dead there is time to look."""
    nodes, sentinels, watchers = fleet
    master = cluster.master(nodes)
    others = [node for node in nodes if node is not master]
    alone, *dead = sentinels
    with browser() as driver:
        open_page(driver, watchers[0])
        await_text(driver, "agrees", "svg")
        for process in (*dead, master):
            process.kill_all()
        await_text(driver, "master1 is not writable", "#verdict")
        await_text(driver, f"the master {master.address} does not answer", ".why")
        await_text(driver, f"master{master.address}silent for", "svg .master.silent")
        await_text(driver, f"Sentinel{alone.address}reports it as down", "svg .sentinel")
        for node in others:
            await_text(driver, f"replica{node.address}no link for", "svg .replica")
        assert len(driver.find_elements(By.CSS_SELECTOR, "svg path.link:not(.broken)")) == 0
        assert driver.title == "■ 1 down: redis-zk"

        for sentinel in dead:
            sentinel.start()
        wait_for(lambda: [node for node in others if node.role == "master"], what="another master")
        await_text(driver, f"master{cluster.master(others).address}", "svg .master:not(.silent)")
        await_text(driver, f"before {master.address}", "#events")
        assert complaints(driver) == []


def test_everything_dies(cluster, fleet):
    nodes, sentinels, (watcher,) = fleet
    with browser() as driver:
        open_page(driver, watcher)
        await_text(driver, "master1 is writable", "#verdict")
        cluster.zookeeper.kill()
        for process in (*nodes, *sentinels):
            process.kill_all()
        await_text(driver, "master1 is not writable", "#verdict")
        await_text(driver, "ZooKeeper■ unreachable for", "#watcher")
        await_text(driver, "follows■ no Sentinel", "#watcher")
        await_text(driver, "Connection refused", ".detail .figures")
        assert text_of(driver, "#lost") == "" and "● live" in text_of(driver, "#watcher"), "the watcher itself lives"


def test_tries_again_when_too_many_follow_the_events(fleet):
    _, _, (watcher,) = fleet
    with contextlib.ExitStack() as others, browser() as driver:
        for _ in range(512):
            others.enter_context(urllib.request.urlopen(f"http://{watcher.address}/events", timeout=5))
        open_page(driver, watcher)
        await_text(driver, "events are refused; retrying", "#watcher")
        others.close()
        wait_for(lambda: "● live" in text_of(driver, "#watcher"), within=40, what="the stream of events")
        await_text(driver, "is followed", "#events")


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
    assert len(body) < 45_000, "one answer, also on a bad line"
