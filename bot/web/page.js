"use strict";
// The page draws what it is told, whole scenes at a time; sentences come with them. Keeps the scenes it has seen, so
// that one can look back; asks for the next step only with the trainer's link.

const root = document.documentElement;
const base = root.dataset.token;
const steers = root.dataset.role === "control";
const $ = (id) => document.getElementById(id);

const SILENT_MS = 12000; // the server gives a sign of life every 5 s
const AGAIN_MS = 2000;
const MOVE_MS = 3000;
const SOON_S = 10;
const LARGEST = { item: 1.9, case: 1.7, agenda: 1.5, questions: 1.5, board: 1.6, close: 1.5 };

let live = null; // the scene that the session is at
let drawn = null; // the scene on the screen
let shape = ""; // what of it takes new elements to draw
let bars = [];
const seen = new Map(); // by cursor
let lookingBack = null; // a cursor

// Elements.

function el(tag, name, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

const list = (tag, name, words) => el(tag, name, ...words.map((word) => el("li", "", word)));

// Scenes.

function code() {
  const image = el("img", "");
  image.src = `${base}/code.svg`;
  image.alt = $("corner").alt;
  return el("div", "code", image, el("p", "", image.alt));
}

function article({ label, before, quote, after }) {
  return el("section", "article", el("h2", "", label), el("p", "", before, quote ? el("mark", "", quote) : "", after));
}

function agenda(scene) {
  const teams = scene.teams.map((team) => el("span", "", el("b", "", team.name), team.size));
  const words = el(
    "div", "column",
    el("div", "big", scene.title),
    list("ul", "list", scene.agenda),
    teams.length ? el("div", "chips", ...teams) : "",
    el("p", "lead", scene.note),
  );
  return beside(words, scene);
}

function questions(scene) {
  const asked = scene.asked.length ? list("ul", "list asked", scene.asked.slice(0, 5)) : "";
  return beside(el("div", "column", el("div", "big", scene.note), asked), scene);
}

function beside(words, scene) {
  return scene.invited ? el("div", "stage columns with-code", words, code()) : el("div", "stage", words);
}

function caseCard(scene) {
  const revealed = scene.articles.length > 0;
  const ask = el("section", revealed ? "ask small" : "ask", el("h2", "", scene.ask), list("ol", "", scene.questions));
  const told = revealed
    ? el("div", "column", ...scene.articles.map(article))
    : el("div", "column", el("div", "name", scene.name), el("p", "story", scene.story));
  const side = el("div", "column", revealed ? el("div", "name", scene.name) : "", ask);
  return el("div", "stage columns wide-left", told, side);
}

function item(scene) {
  const options = el("ul", "options", ...scene.options.map(option));
  const asked = el(
    "div", "column",
    el("div", "question", scene.question),
    scene.options.length ? options : "",
    scene.how && scene.phase === "open" ? el("p", "how", scene.how) : "",
    scene.solution ? el("p", "solution", scene.solution) : "",
    scene.went ? el("p", "how", scene.went) : "",
  );
  if (scene.phase === "open") return el("div", "stage", asked);
  const told = el("div", "column", ...scene.articles.map(article), scene.explanation ? el("p", "aside", scene.explanation) : "");
  return el("div", "stage columns reveal", asked, told);
}

function option(one, place) {
  const state = one.right === null ? "" : one.right ? " right" : " wrong";
  const fill = el("span", "fill");
  const number = el("span", "number");
  bars.push({ fill, number });
  const letter = one.right ? "✓" : one.letter;
  return el("li", `option hue-${place % 6}${state}`, fill, el("span", "letter", letter), el("span", "words", one.text), number);
}

function results(scene) {
  const ranks = [board(scene.teams, "board teams"), board(scene.people, "board people")].filter(Boolean);
  const shares = scene.shares.length
    ? el("div", "column", el("div", "heading", scene.shares_head), el("div", "shares", ...scene.shares.flatMap(share)))
    : null;
  const asked = scene.asked.length
    ? el("div", "column", el("div", "heading", scene.asked_head), list("ul", "list asked", scene.asked.slice(0, 6)))
    : null;
  const left = ranks.length ? el("div", "column", ...ranks) : asked;
  const columns = [left, shares].filter(Boolean);
  if (!columns.length) columns.push(el("div", "column", el("div", "big", scene.title)));
  return el("div", columns.length > 1 ? "stage columns" : "stage", ...columns);
}

function board(rows, name) {
  if (!rows.length) return null;
  return el(
    "ol", name,
    ...rows.map((row) =>
      el("li", row.place === 1 ? "first" : "", el("span", "place", String(row.place)), el("span", "who", row.name), el("span", "points", row.points)),
    ),
  );
}

function share({ label, part, words }) {
  const bar = el("i", "");
  bar.style.transform = `scaleX(${part === null ? 0 : part})`;
  return [el("span", "", label), part === null ? el("span", "") : el("div", "track", bar), el("b", "", words)];
}

const SCENES = { agenda, questions, case: caseCard, item, board: results, close: results };

// Drawing.

function draw(scene) {
  const still = { ...scene, until: 0, voters: 0, answered: "", options: scene.options && scene.options.map((one) => ({ ...one, count: 0 })) };
  const wanted = JSON.stringify(still);
  drawn = scene;
  if (wanted !== shape) {
    shape = wanted;
    bars = [];
    $("scene").replaceChildren(SCENES[scene.kind](scene));
    frame(scene);
    fit();
  }
  tally(scene);
  tick();
}

function frame(scene) {
  $("head").textContent = scene.head;
  $("badges").replaceChildren(...scene.badges.map((badge) => el("span", "", badge)));
  $("progress").replaceChildren(
    ...Array.from({ length: scene.steps }, (_, place) => el("i", place + 1 === scene.step ? "now" : place + 1 < scene.step ? "done" : "")),
  );
  const corner = $("corner");
  corner.hidden = !scene.invited || scene.kind === "agenda" || scene.kind === "questions" || scene.closed || steers;
  if (scene.invited && !corner.src) corner.src = $("big-code").src = `${base}/code.svg`;
  $("code").disabled = !scene.invited;
  $("title").hidden = scene.kind === "agenda";
}

function tally(scene) {
  $("count").textContent = scene.answered || "";
  (scene.options || []).forEach((one, place) => {
    bars[place].fill.style.transform = `scaleX(${scene.voters ? Math.min(one.count / scene.voters, 1) : 0})`;
    bars[place].number.textContent = one.count;
  });
  $("forward").textContent = live.forward;
  $("forward").hidden = !steers || !live.forward || lookingBack !== null;
  $("looking-back").hidden = lookingBack === null;
  $("back").disabled = earlier() === undefined;
}

// Columns that stand side by side each take the largest letters they have room for; one below the other, the same.
function fit() {
  const stage = $("scene").firstElementChild;
  if (!stage || window.innerWidth <= 640) return;
  const columns = [...stage.querySelectorAll(":scope > .column")];
  const beside = getComputedStyle(stage).gridTemplateColumns.split(" ").length > 1;
  for (const group of beside ? columns.map((column) => [column]) : [columns]) fill(group, beside ? group[0] : stage);
}

function fill(columns, measured) {
  const style = getComputedStyle($("scene"));
  const room = $("scene").clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const set = (size) => columns.forEach((column) => column.style.setProperty("--fit", size));
  let fits = 0.35;
  let over = LARGEST[drawn.kind];
  for (let round = 0; round < 9; round += 1) {
    const tried = round ? (fits + over) / 2 : over;
    set(tried);
    if (measured.offsetHeight <= room && columns.every((column) => column.scrollWidth <= column.clientWidth)) {
      fits = tried;
      if (!round) break;
    } else over = tried;
  }
  set(fits);
}

// Time: the server's, as near as the quickest of its signs tells.

let ahead = null;

function tick() {
  const clock = $("clock");
  const scene = drawn;
  clock.hidden = !scene || !scene.until || lookingBack !== null;
  if (clock.hidden) return;
  const left = Math.max(0, Math.ceil((scene.until - Date.now() - (ahead || 0)) / 1000));
  const over = left === 0;
  clock.textContent = over ? clock.dataset.up : `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  clock.classList.toggle("soon", left <= SOON_S && !over);
  clock.classList.toggle("up", over);
}

setInterval(tick, 200);

// The stream.

let source = null;
let heard = 0;
let again = 0;

function connect() {
  clearTimeout(again);
  if (source) source.close();
  heard = Date.now();
  source = new EventSource(`${base}/events`);
  let first = true;
  source.addEventListener("clock", (event) => {
    const estimate = Number(event.data) - Date.now();
    ahead = first || ahead === null ? estimate : Math.max(ahead, estimate);
    first = false;
    alive();
  });
  source.addEventListener("scene", (event) => {
    alive();
    take(JSON.parse(event.data));
    root.dataset.frame = event.lastEventId;
  });
  source.addEventListener("error", () => {
    $("offline").hidden = false;
    if (source.readyState === EventSource.CLOSED) look();
  });
}

function alive() {
  heard = Date.now();
  $("offline").hidden = true;
}

// The browser does not say why it gave up: only the page itself tells whether the link is still good.
async function look() {
  clearTimeout(again);
  again = setTimeout(connect, AGAIN_MS);
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.status === 404) {
      clearTimeout(again);
      clearInterval(watch);
      source.close();
      $("offline").hidden = true;
      $("gone").hidden = false;
    }
  } catch {
    // still no connection
  }
}

const watch = setInterval(() => {
  if (Date.now() - heard < SILENT_MS) return;
  $("offline").hidden = false;
  connect();
}, 2000);

window.addEventListener("online", connect);

function take(scene) {
  if (live && scene.cursor !== live.cursor) {
    lookingBack = null;
    moved();
  }
  live = scene;
  seen.set(scene.cursor, scene);
  if (lookingBack === null) draw(scene);
}

// Steering, and looking back.

function earlier() {
  const at = lookingBack === null ? (live ? live.cursor : 0) : lookingBack;
  return [...seen.keys()].filter((cursor) => cursor < at).sort((one, other) => other - one)[0];
}

function back() {
  const cursor = earlier();
  if (cursor === undefined) return;
  lookingBack = cursor;
  draw(seen.get(cursor));
}

function forward() {
  if (lookingBack !== null) {
    const later = [...seen.keys()].filter((cursor) => cursor > lookingBack).sort((one, other) => one - other)[0];
    lookingBack = later === live.cursor ? null : later;
    draw(seen.get(later));
  } else if (steers && live && live.forward) advance();
}

let pressing = false;
let moved = () => {};

async function advance() {
  if (pressing) return;
  pressing = $("forward").disabled = true;
  const arrived = new Promise((resolve) => { moved = resolve; setTimeout(resolve, MOVE_MS); });
  try {
    const answer = await fetch(`${base}/advance`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ cursor: live.cursor }),
    });
    if (answer.status === 409) toast((await answer.json()).say);
    else if (!answer.ok) toast($("toast").dataset.failed);
    else await arrived; // a second press would be meant for the scene that is still on its way
  } catch {
    toast($("toast").dataset.failed);
  } finally {
    pressing = $("forward").disabled = false;
  }
}

let toasted = 0;

function toast(words) {
  clearTimeout(toasted);
  $("toast").textContent = words;
  $("toast").hidden = false;
  toasted = setTimeout(() => ($("toast").hidden = true), 4000);
}

// Keys, touch, buttons.

const remembered = {
  get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
  set: (theme) => { try { localStorage.setItem("theme", theme); } catch { /* a private window */ } },
};
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function dress() {
  root.dataset.theme = remembered.get() || (dark.matches ? "dark" : "light");
}

function changeTheme() {
  remembered.set(root.dataset.theme === "dark" ? "light" : "dark");
  dress();
}

function wholeScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else root.requestFullscreen().catch(() => {});
}

function showCode() {
  if (live && live.invited) $("overlay").hidden = !$("overlay").hidden;
}

const KEYS = {
  " ": forward, ArrowRight: forward, ArrowDown: forward, PageDown: forward, Enter: forward,
  ArrowLeft: back, ArrowUp: back, PageUp: back,
  t: changeTheme, f: wholeScreen, q: showCode,
  Escape: () => ($("overlay").hidden = true),
};

document.addEventListener("keydown", (event) => {
  stir();
  const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const onButton = event.target.closest("button") && (event.key === " " || event.key === "Enter");
  if (!does || onButton || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (!event.repeat) does();
});

let touched = null;
document.addEventListener("touchstart", (event) => {
  stir();
  touched = event.touches.length === 1 ? event.touches[0] : null;
}, { passive: true });
document.addEventListener("touchend", (event) => {
  if (!touched) return;
  const across = event.changedTouches[0].clientX - touched.clientX;
  const down = event.changedTouches[0].clientY - touched.clientY;
  touched = null;
  if (Math.abs(across) < 80 || Math.abs(across) < 2 * Math.abs(down)) return;
  if (across < 0) forward();
  else back();
}, { passive: true });

let stilled = 0;

function stir() {
  document.body.classList.remove("still");
  clearTimeout(stilled);
  stilled = setTimeout(() => document.body.classList.add("still"), 3000);
}

document.addEventListener("mousemove", stir);
$("back").addEventListener("click", back);
$("code").addEventListener("click", showCode);
$("overlay").addEventListener("click", showCode);
$("theme").addEventListener("click", changeTheme);
$("whole-screen").addEventListener("click", wholeScreen);
$("forward").addEventListener("click", forward);
dark.addEventListener("change", dress);
window.addEventListener("resize", () => drawn && fit());

// A projector that falls asleep in the middle of a case helps nobody.
async function stayAwake() {
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    // not over plain HTTP, not everywhere
  }
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && stayAwake());

dress();
stir();
stayAwake();
connect();
