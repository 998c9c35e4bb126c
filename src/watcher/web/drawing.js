// --- elements: foreign text only ever becomes text

const SVG = "http://www.w3.org/2000/svg";

function make(name, attributes = {}, ...children) {
  const element = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

// Makes the children of an element those that are wanted, and keeps what stays as it is: the focus, a selection, where a
// table was scrolled to, what a person opened. Elements with a data-key are found again in another place.
function patch(parent, wanted) {
  const keyed = new Map([...parent.children].filter(child => child.dataset.key).map(child => [child.dataset.key, child]));
  let at = parent.firstChild;
  for (const want of wanted) {
    const fits = at && at.nodeName === want.nodeName && !at.dataset?.key;
    const have = want.dataset?.key ? keyed.get(want.dataset.key) : fits ? at : null;
    if (have && have === at) at = at.nextSibling;
    else parent.insertBefore(have ?? want, at);
    if (have) alter(have, want);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function alter(have, want) {
  if (have.nodeType === Node.TEXT_NODE) {
    if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
    return;
  }
  for (const { name, value } of want.attributes) {
    if (have.getAttribute(name) !== value && name !== "open") have.setAttribute(name, value);
  }
  for (const { name } of [...have.attributes]) {
    if (!want.hasAttribute(name) && name !== "open") have.removeAttribute(name);
  }
  patch(have, [...want.childNodes]);
}

function show(id, ...children) {
  const focused = document.activeElement;
  patch(document.getElementById(id), children.filter(child => child !== null));
  // An element that was moved has lost it.
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

// --- one group, drawn: Sentinels above, the master in the middle, its replicas below

const BOX = { width: 136, least: 104, height: 60, gap: 10, rise: 44, edge: 2 };

function layOut(count, width, top) {
  const room = width - 2 * BOX.edge;
  const perRow = Math.max(1, Math.min(count, Math.floor((room + BOX.gap) / (BOX.least + BOX.gap))));
  const box = Math.min(BOX.width, (room - (perRow - 1) * BOX.gap) / perRow);
  const places = [];
  for (let index = 0; index < count; ++index) {
    const row = Math.floor(index / perRow);
    const inRow = Math.min(perRow, count - row * perRow);
    const left = (width - inRow * box - (inRow - 1) * BOX.gap) / 2;
    places.push({ x: left + (index % perRow) * (box + BOX.gap), y: top + row * (BOX.height + BOX.gap), width: box });
  }
  const rows = Math.ceil(count / perRow);
  return { places, bottom: top + rows * BOX.height + Math.max(0, rows - 1) * BOX.gap };
}

function drawBox(place, kind, role, title, state, isBad) {
  const middle = place.x + place.width / 2;
  const most = Math.floor((place.width - 6) / 6.7);
  return make("svg:g", { class: kind, role: "listitem", "aria-label": `${role} ${title}: ${state}` },
    make("svg:title", {}, `${role} ${title}: ${state}`),
    make("svg:rect", { x: place.x, y: place.y, width: place.width, height: BOX.height, rx: 4 }),
    make("svg:text", { x: middle, y: place.y + 15, class: "role" }, role),
    // A long IPv6 address is squeezed rather than cut.
    make("svg:text", { x: middle, y: place.y + 33, ...(title.length * 7.3 > place.width - 8
      ? { textLength: place.width - 8, lengthAdjust: "spacingAndGlyphs" } : {}) }, title),
    make("svg:text", { x: middle, y: place.y + 50, class: isBad ? "small bad" : "small" },
         state.length > most ? `${state.slice(0, most - 1)}…` : state));
}

function curve(from, to, kind) {
  const [x1, y1] = [from.x + from.width / 2, from.y + BOX.height];
  const [x2, y2] = [to.x + to.width / 2, to.y];
  const half = (y1 + y2) / 2;
  return make("svg:path", { class: kind, d: `M${x1} ${y1} C${x1} ${half} ${x2} ${half} ${x2} ${y2}` });
}

function draw(group, width) {
  const sentinels = layOut(group.sentinels.length, width, BOX.edge);
  const top = group.sentinels.length ? sentinels.bottom + BOX.rise : BOX.edge;
  const wide = Math.min(width - 2 * BOX.edge, 190);
  const middle = { x: (width - wide) / 2, y: top, width: wide };
  const replicas = layOut(group.replicas.length, width, top + BOX.height + BOX.rise);
  const height = (group.replicas.length ? replicas.bottom : top + BOX.height) + BOX.edge;
  const places = new Map([[group.master ? group.master.address : "", middle]]);
  group.replicas.forEach((replica, index) => places.set(replica.address, replicas.places[index]));

  const picture = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, role: "list", "aria-label": group.summary,
                                    style: `max-width: ${width}px` });
  group.sentinels.forEach((sentinel, index) => {
    const believed = sentinel.believes && places.get(sentinel.believes.master.address);
    if (believed) picture.append(curve(sentinels.places[index], believed,
                                       sentinel.level === "bad" ? "belief differs" : "belief"));
  });
  group.replicas.forEach((replica, index) => picture.append(
    curve(middle, replicas.places[index], replica.attached ? "link" : "link broken")));
  group.sentinels.forEach((sentinel, index) => picture.append(
    drawBox(sentinels.places[index], sentinel.believes ? "sentinel" : "sentinel silent", "Sentinel",
            sentinel.address, sentinel.state, sentinel.level === "bad")));
  if (group.master) {
    const { master } = group;
    picture.append(drawBox(middle, master.level === "bad" ? "master silent" : "master", "master", master.address,
                           master.state, master.level === "bad"));
  } else {
    picture.append(drawBox(middle, "silent", "master", "none", "no master is recorded", true));
  }
  group.replicas.forEach((replica, index) => picture.append(
    drawBox(replicas.places[index], replica.answers ? "replica" : "replica silent", "replica",
            replica.address, replica.state, replica.level === "bad")));
  return picture;
}
