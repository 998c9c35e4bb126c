// --- what comes from the watcher

let asking = false;
let askAgain = false;
let timer;
let livelyUntil = 0;

async function refresh() {
  if (asking) { askAgain = true; return; }
  asking = true;
  clearTimeout(timer);
  let found = null;
  try {
    const answer = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    found = await answer.json();
    lost = "";
  } catch {
    lost = "this watcher does not answer";
  }
  try {
    if (found) {
      last = found;
      lastAt = Date.now();
      showAll();
    } else if (last) {
      showWatcher();
    } else {
      show("verdict", document.createTextNode(lost));
    }
  } catch (error) {
    // As of a watcher of another version behind the same address.
    console.error(error);
    show("verdict", document.createTextNode("cannot show the watcher's answer; reload this page"));
  }
  asking = false;
  const soon = askAgain || Date.now() < livelyUntil;
  askAgain = false;
  if (!document.hidden) timer = setTimeout(refresh, soon ? LIVELY_MS : CALM_MS);
}

const KINDS = ["master-changed", "master-down", "master-up", "failover-step", "group-came", "group-gone", "sentinel-came",
               "sentinel-gone", "replica-came", "replica-gone", "following", "zookeeper-lost", "zookeeper-back", "clean-up",
               "failover-requested", "group-deleted", "paused", "resumed"];
let source = null;
let followAgain;
let life = null;              // of the watcher whose events are shown: the first half of their ids
const heard = new Set();      // after a reconnection, history comes once more

function unfollow() {
  clearTimeout(followAgain);
  source?.close();
  source = null;
}

function hear(message) {
  // Another watcher, or this one restarted, tells of the same in its own way.
  const [from] = message.lastEventId.split("-");
  if (from !== life) {
    life = from;
    heard.clear();
    events = [];
  }
  if (heard.has(message.lastEventId)) return;
  heard.add(message.lastEventId);
  events = [JSON.parse(message.data), ...events].slice(0, EVENTS_KEPT);
  if (now() - events[0].time < LIVELY_FOR_MS) livelyUntil = Date.now() + LIVELY_FOR_MS;
  showEvents();
  refresh();
}

function follow() {
  unfollow();
  const opened = source = new EventSource("events?since=0");
  source.addEventListener("open", () => { eventsLost = ""; });
  source.addEventListener("error", () => {
    // Otherwise the browser tries again by itself.
    if (opened !== source || opened.readyState !== EventSource.CLOSED) return;
    eventsLost = `events are refused; retrying every ${FOLLOW_AGAIN_MS / 1000} s`;
    followAgain = setTimeout(follow, FOLLOW_AGAIN_MS);
  });
  for (const kind of KINDS) source.addEventListener(kind, hear);
}

// --- what a person does

document.getElementById("rows").addEventListener("click", ({ target }) => {
  const name = target.closest("[data-group]")?.dataset.group;
  const group = last.groups.find(each => each.name === name);
  if (!group) return;
  opened.set(name, !isOpen(group));
  showGroups();
});

document.getElementById("shown").addEventListener("click", ({ target }) => {
  shown = target.closest("[data-shown]")?.dataset.shown ?? shown;
  showGroups();
});

document.getElementById("query").addEventListener("input", ({ target }) => {
  query = target.value.trim();
  if (last) showGroups();
});

document.getElementById("filter").addEventListener("submit", event => event.preventDefault());

document.addEventListener("keydown", event => {
  const input = document.getElementById("query");
  if (event.key === "/" && document.activeElement !== input && !event.ctrlKey && !event.metaKey && !event.altKey) {
    input.focus();
    event.preventDefault();
  }
  if (event.key === "Escape" && document.activeElement === input) {
    input.value = query = "";
    if (last) showGroups();
  }
});

// A browser has six connections for a host, and hidden pages would occupy them.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return unfollow();
  refresh();
  follow();
});
addEventListener("resize", showAll);
setInterval(() => { if (!document.hidden) tick(); }, 1000);
tick();
if (!document.hidden) {
  refresh();
  follow();
}
