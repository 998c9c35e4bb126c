// --- the page: what /status says, drawn again with every answer, and at once with every event

const CALM_MS = 2000;         // the watcher itself looks about as often
const LIVELY_MS = 500;        // for a while after an event
const LIVELY_FOR_MS = 10000;
const STALE_MS = 60000;       // what was seen earlier is not shown as the present
const FOLLOW_AGAIN_MS = 5000; // after the watcher has refused the stream of events
const GROUPS_OPEN = 1;        // of more, a person opens some
const EVENTS_KEPT = 200;
const EVENTS_SHOWN = 40;
const HISTORY_SHOWN = 30;
const CHANGES_SHOWN = 10;
const SAME_CHANGE_MS = 5000;  // in two clocks' times
const PAD = 34;               // of a detail, on both sides

const SEVERITIES = { "down": ["■", "down"], "at-risk": ["▲", "at risk"], "unknown": ["?", "unknown"],
                     "trouble": ["◆", "warning"], "well": ["●", "well"] };
const ORDER = Object.keys(SEVERITIES);

let last = null;              // the last answer
let lastAt = 0;               // when it came, by our clock
let lost = "";                // why there is none
let eventsLost = "";
let shown = "all";            // or "bad", "well"
let query = "";
const opened = new Map();     // by group: what a person chose
let events = [];              // newest first

// --- words and times: the watcher's clock counts, and UTC, as in the log

function count(number, one) {
  return `${number} ${one}${number === 1 ? "" : "s"}`;
}

function now() {
  return last ? last.time + Date.now() - lastAt : Date.now();
}

function iso(ms) {
  // A time that no calendar has is no reason to draw nothing.
  return Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : "?";
}

function clock(ms, attributes = {}) {
  return make("time", { datetime: iso(ms) === "?" ? null : iso(ms), ...attributes }, iso(ms));
}

function seconds(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${Number(s.toFixed(1))} s`;
  return s < 120 ? `${Math.round(s)} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

function bytes(number) {
  if (number < 1000) return count(number, "byte");
  const unit = number < 999950 ? 1 : number < 999950e3 ? 2 : number < 999950e6 ? 3 : 4;
  return `${(number / 1000 ** unit).toFixed(1)} ${["KB", "MB", "GB", "TB"][unit - 1]}`;
}

// A duration that goes on.
function lasting(since, isLeast = false) {
  return make("span", { "data-since": since, "data-least": isLeast ? "" : null, title: `since ${iso(since)}` },
              worded(since, isLeast));
}

function worded(since, isLeast) {
  return (isLeast ? "≥ " : "") + seconds(now() - since);
}

function tick() {
  // What was seen last does not go on by itself.
  for (const element of document.querySelectorAll(lost ? "#watcher [data-since]" : "[data-since]")) {
    const text = worded(Number(element.dataset.since), "least" in element.dataset);
    if (element.textContent !== text) element.firstChild.nodeValue = text;
  }
  show("clock", document.createTextNode(`${iso(now()).slice(0, 19)}Z`));
  if (last) showWatcher();
}

function marked(severity, text) {
  return make("span", { class: severity }, make("span", { "aria-hidden": "true" }, `${SEVERITIES[severity][0]} `), text);
}

function address(text) {
  return make("span", { class: "mono" }, text);
}

// --- the watcher itself

function isStale() {
  return lost !== "" || (last.observed_age_ms !== null && last.observed_age_ms + Date.now() - lastAt > STALE_MS);
}

function fact(name, severity, ...text) {
  return make("div", { "data-key": name }, make("dt", {}, name),
              make("dd", {}, severity ? marked(severity, "") : null, ...text));
}

// What the watcher said of itself is not known any more when it does not answer.
function told(name, severity, ...text) {
  return fact(name, lost ? "unknown" : severity, ...text);
}

function showWatcher() {
  const { watcher, zookeeper, following, observed_age_ms: age, behaviors } = last;
  const failing = behaviors.filter(behavior => behavior.last_error);
  show("watcher",
    fact("watcher", null, `${watcher.name}, version ${watcher.version}, for `, lasting(last.time - watcher.running_ms)),
    zookeeper.connected ? told("ZooKeeper", "well", "connected")
      : told("ZooKeeper", "down", ...(zookeeper.age_ms === null ? ["never reached"]
        : ["unreachable for ", lasting(last.time - zookeeper.age_ms)])),
    following ? told("follows", "well", `Sentinel ${following.address}`) : told("follows", "down", "no Sentinel"),
    age === null ? told("servers asked", "unknown", "never")
      : fact("servers asked", isStale() ? "down" : "well", lasting(last.time - age), " ago"),
    lost || eventsLost ? fact("this page", "down", lost ? "not live" : eventsLost) : fact("this page", "well", "live"),
    failing.length ? fact("behaviors", "trouble", `${failing.length} of ${behaviors.length} failed last: `,
                          failing.map(behavior => behavior.name).join(", ")) : null);
  show("lost", ...(lost ? [document.createTextNode(`${lost}; what is shown is of ${iso(last.time)}`)] : []));
  showVerdict();
}

function showVerdict() {
  const of = severity => last.groups.filter(group => group.state.severity === severity);
  const total = last.groups.length;
  const down = of("down");
  const named = down.slice(0, 3).map(group => group.name).join(", ");
  const more = down.length > 3 ? ` and ${down.length - 3} more` : "";
  const writable = last.groups.filter(group => group.state.writable).length;
  const verdict = total === 0 ? "no group is recorded"
    : down.length && total === 1 ? `${named} is not writable`
    : down.length ? `${down.length} of ${total} groups not writable: ${named}${more}`
    : writable < total ? `${writable} of ${count(total, "group")} known to be writable`
    : total === 1 ? `${last.groups[0].name} is writable` : `all ${total} groups are writable`;
  const others = [of("at-risk").length ? `${of("at-risk").length} at risk` : "",
                  of("trouble").length ? `${of("trouble").length} with warnings` : ""].filter(text => text).join(", ");
  const worst = ORDER.find(severity => of(severity).length) ?? "unknown";
  show("verdict", marked(isStale() ? "unknown" : worst, (isStale() ? "last seen: " : "") + verdict),
       others ? make("small", {}, ` ${others}`) : null);
  const bad = total - of("well").length + last.warnings.length;
  document.title = (lost ? "(?) " : down.length ? `■ ${down.length} down: ` : bad ? `(${bad}) ` : "") + "redis-zk";
}

// --- one group: its line

function isOpen(group) {
  return opened.get(group.name) ?? last.groups.length <= GROUPS_OPEN;
}

function changesOf(group) {
  const known = group.failovers.map(change => ({ ...change, group: group.name }));
  const earlier = last.history
    .filter(entry => entry.group === group.name && (entry.kind === "master-changed" || entry.kind === "cold-start"))
    .filter(entry => !known.some(change => Math.abs(change.time - entry.time) < SAME_CHANGE_MS))
    .map(entry => ({ ...entry, id: `${entry.time}`, steps: [], sentence: own(entry) }));
  return [...earlier, ...known].sort((one, other) => other.time - one.time);
}

// An event's sentence without the group, which has a column of its own.
function own({ group, sentence }) {
  return group && sentence.startsWith(`${group}: `) ? sentence.slice(group.length + 2) : sentence;
}

function why(group) {
  const { state, failover } = group;
  const waits = group.waits.length ? `${count(group.waits.length, "wait")}; ` : "";
  if (state.severity !== "well")
    return [waits, failover ? `${failover.steps.at(-1).sentence}; ` : "", state.sentence];
  const change = changesOf(group)[0];
  return [waits, ...(change ? ["master changed ", lasting(change.time), " ago"] : [])];
}

function row(group) {
  const { severity, writable, for_ms: age, at_least: isLeast } = group.state;
  const open = isOpen(group);
  const cell = (kind, ...children) => make("td", { role: "cell", class: kind }, ...children);
  return make("tr", { class: `row is-${severity}`, role: "row", "data-key": `row ${group.name}` },
    cell("", marked(severity, SEVERITIES[severity][1])),
    cell("writable", writable === null ? "unknown" : writable ? "yes" : "no",
         ...(age === null ? [] : [", ", lasting(last.time - age, isLeast)])),
    make("th", { scope: "row", role: "rowheader", class: "name" },
         make("button", { type: "button", "aria-expanded": open, "aria-controls": open ? `detail ${group.name}`.replaceAll(" ", "-") : null,
                          "data-group": group.name }, group.name)),
    cell("more mono", group.record.master?.address ?? "none"),
    cell("more", `${group.replicas.filter(replica => replica.attached).length} of ${group.replicas.length}`),
    cell("more", `${group.sentinels.filter(sentinel => sentinel.level === "good").length} of ${group.sentinels.length}`),
    make("td", { role: "cell", class: "why", title: state(group) }, ...why(group)));
}

function state(group) {
  return group.state.severity === "well" ? null : group.state.sentence;
}

// --- one group: its detail

function definition(name, ...children) {
  return [make("dt", {}, name), make("dd", {}, ...children)];
}

function facts(group) {
  const { state: { writable, for_ms: age, at_least: isLeast }, record } = group;
  const change = changesOf(group)[0];
  const since = age === null ? [] : [isLeast ? " at least since " : " since ", clock(last.time - age), ", for ",
                                     lasting(last.time - age, isLeast)];
  return make("dl", {},
    ...definition("now", make("b", {}, writable === null ? "unknown" : writable ? "writable" : "not writable"), ...since),
    ...definition("record", ...(record.master ? [address(record.master.address), `, epoch ${record.epoch}`] : ["none"]),
                  record.reason ? `: ${record.reason}` : ""),
    ...(change ? definition("changed", clock(change.time), " ", change.sentence) : []),
    ...group.waiting.flatMap(member => definition("waiting", address(member.address), ` ${member.state}, ${member.details}`)),
    ...group.waits.flatMap(wait => definition(wait.needs_person ? "a person" : "waits",
      `${wait.daemon} ${wait.address ?? "of this page"}, for `, lasting(last.time - wait.waiting_ms), `: ${wait.sentence}`,
      wait.ends_within_ms === null ? "" : ` (ends within ${seconds(wait.ends_within_ms)})`)));
}

function figures(label, columns, servers) {
  if (!servers.length) return null;
  const cell = ([name, , isNumber], text) =>
    make("td", { role: "cell", class: isNumber ? "number" : null, "data-name": text === "" ? null : name }, text);
  return make("table", { class: "figures", role: "table", "aria-label": label },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" },
      make("th", { role: "columnheader", scope: "col" }, label),
      ...columns.map(([name, , isNumber]) =>
        make("th", { role: "columnheader", scope: "col", class: isNumber ? "number" : null }, name)))),
    make("tbody", { role: "rowgroup" }, ...servers.map(server => make("tr", { role: "row", "data-key": server.address },
      make("th", { role: "rowheader", scope: "row", class: "mono" }, server.address),
      ...(server.error || server.answers === null
        ? [make("td", { role: "cell", colspan: columns.length }, server.error ? server.details || server.state : server.state)]
        : columns.map(column => cell(column, `${column[1](server) ?? ""}`)))))));
}

const REDIS = [["keys", server => server.keys, true], ["memory", server => bytes(server.used_memory_bytes), true],
               ["behind", server => server.role === "replica" && server.lag_bytes !== null && server.lag_bytes !== undefined
                 ? bytes(server.lag_bytes) : "", true],
               ["priority", server => server.priority, true]];
const SENTINEL = [["epoch", ({ believes }) => believes.epoch, true], ["quorum", ({ believes }) => believes.quorum, true],
                  ["replicas", ({ believes }) => believes.replicas, true],
                  ["peers", ({ believes }) => believes.other_sentinels, true],
                  ["down after", ({ believes }) => seconds(believes.down_after_ms), true]];

function detail(group, width) {
  const warnings = make("ul", { class: "warnings whole" }, ...group.warnings.filter(text => text !== group.state.sentence)
    .map(text => make("li", {}, text)));
  const redis = [...(group.master ? [group.master] : []), ...group.replicas];
  return make("tr", { class: "detail", role: "row", "data-key": `detail ${group.name}`,
                      id: `detail ${group.name}`.replaceAll(" ", "-") },
    make("td", { role: "cell", colspan: 7 }, make("div", { class: "inside" },
      group.failover ? make("div", { class: "whole" }, make("h3", {}, "Failover under way"), steps(group.failover.steps)) : null,
      warnings,
      make("div", {}, draw(group, width)),
      make("div", {}, facts(group), figures("Redis", REDIS, redis), figures("Sentinel", SENTINEL, group.sentinels)))));
}

// --- failovers, with their phases

function steps(list) {
  const began = list[0].time;
  // The Sentinel that publishes them is named once.
  const subject = `Sentinel ${list[0].sentinel?.address} `;
  return make("ol", { class: "steps" }, ...list.map((step, index) => make("li", {},
    make("span", { class: "at", title: iso(step.time) }, `+${((step.time - began) / 1000).toFixed(2)} s`),
    make("span", { class: "mono" }, step.step),
    make("span", {}, index && step.sentence.startsWith(subject) ? step.sentence.slice(subject.length) : step.sentence))));
}

function bar(list) {
  return make("span", { class: "bar", "aria-hidden": "true" }, ...list.slice(1).map((step, index) =>
    make("i", { style: `flex-grow: ${Math.max(1, step.time - list[index].time)}`,
                title: `${list[index].step} to ${step.step}: ${((step.time - list[index].time) / 1000).toFixed(2)} s` })));
}

function change(entry, isOpen) {
  const { steps: list, time, from, to, outage_ms: outage, reason, sentence } = entry;
  const recorded = { time, step: "recorded", sentence: `the record names ${to?.address}: ${reason}` };
  const all = [...list, recorded].sort((one, other) => one.time - other.time);
  const cells = [clock(time), make("b", {}, entry.group),
    make("span", {}, ...(to ? [address(from.address), " → ", address(to.address),
      outage === undefined ? "" : `, ${seconds(outage)} without a master`] : [sentence])),
    list.length ? bar(all) : null];
  const key = { "data-key": `${entry.group} ${entry.id}` };
  if (!list.length) return make("li", key, make("div", { class: "change" }, ...cells));
  return make("li", key, make("details", isOpen ? { open: "" } : {}, make("summary", { class: "change" }, ...cells), steps(all)));
}

// --- everything

function matches(group) {
  const { severity } = group.state;
  if (shown !== "all" && (severity === "well") !== (shown === "well")) return false;
  const words = [group.name, group.record.master?.address ?? "", ...group.replicas.map(replica => replica.address)];
  return words.some(word => word.toLowerCase().includes(query.toLowerCase()));
}

function showGroups() {
  const { groups } = last;
  const well = groups.filter(group => group.state.severity === "well").length;
  const choice = (name, text) => make("button", { type: "button", "data-shown": name, "aria-pressed": shown === name }, text);
  show("shown", choice("all", `${count(groups.length, "group")}`), choice("bad", `${groups.length - well} not well`),
       choice("well", `${well} well`));
  const width = Math.max(200, Math.min(document.querySelector("main").clientWidth - PAD, 540));
  const sorted = groups.filter(matches).sort((one, other) =>
    ORDER.indexOf(one.state.severity) - ORDER.indexOf(other.state.severity));
  show("rows", ...sorted.flatMap(group => [row(group), ...(isOpen(group) ? [detail(group, width)] : [])]));
  show("none", ...(groups.length && !sorted.length ? [document.createTextNode("no group is like that")] : []));
}

function showChanges() {
  const all = last.groups.flatMap(changesOf).sort((one, other) => other.time - one.time).slice(0, CHANGES_SHOWN);
  show("failovers", ...(all.length ? all.map((entry, index) => change(entry, index === 0))
    : [make("li", { class: "quiet" }, "none is known")]));
}

function line(event) {
  return make("li", { "data-kind": event.kind, "data-key": event.id ?? null }, clock(event.time),
              make("span", {}, event.sentence));
}

function showEvents() {
  // The phases of failovers stand above.
  const all = events.filter(event => event.kind !== "failover-step").slice(0, EVENTS_SHOWN);
  show("events", ...(all.length ? all.map(line) : [make("li", { class: "quiet" }, "nothing yet")]));
}

function showAll() {
  if (!last) return;
  showWatcher();
  show("warnings", ...last.warnings.map(text => make("li", {}, text)),
       ...last.waits.map(wait => make("li", {}, `${wait.daemon} waits: ${wait.sentence}`)),
       ...last.wrappers.flatMap(wrapper => wrapper.remarks.map(text =>
         make("li", {}, `${wrapper.daemon} ${wrapper.address}: ${text}`))));
  showGroups();
  showChanges();
  show("history", ...last.history.slice(-HISTORY_SHOWN).reverse().map(line));
}
