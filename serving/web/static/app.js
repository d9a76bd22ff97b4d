// What makes the pages quicker; without it every one of them works.
//
// Forms marked data-partial and data-live are sent in the background and the answer takes the place of <main>: nothing
// flickers, and when the network is gone the page stays as it is, with what was typed. Keys move through the queue.

const main = () => document.getElementById("main");
const lost = () => document.getElementById("lost");

let asked = 0; // a later wish overtakes an earlier one, whose answer is not shown any more

async function send(address, options) {
  const focused = place();
  const mine = ++asked;
  let answer;
  let text;
  main().setAttribute("aria-busy", "true");
  try {
    answer = await fetch(address, options);
    text = await answer.text();
  } catch {
    lost().hidden = false;
    return;
  } finally {
    if (mine === asked) main().removeAttribute("aria-busy");
  }
  if (mine !== asked) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("main");
  if (!fresh) {
    window.location.assign(answer.url);
    return;
  }
  lost().hidden = true;
  if (document.getElementById("filters")?.open) fresh.querySelector("#filters")?.setAttribute("open", "");
  main().replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  if (answer.url !== window.location.href && (answer.redirected || options.method !== "POST")) {
    window.history.pushState(null, "", answer.url);
  }
  settle(focused);
}

// Where somebody is: the field, or the row of the queue, whose case may have left it for its neighbour to follow.
function place() {
  const row = current();
  return { id: document.activeElement?.id, case: row?.dataset.case, at: rows().indexOf(row) };
}

function found({ id, case: name, at }) {
  if (id) return document.getElementById(id);
  if (at < 0) return null;
  const all = rows();
  const row = all.find((one) => one.dataset.case === name) ?? all[Math.min(at, all.length - 1)];
  return row?.querySelector("a.open");
}

function settle(focused) {
  const again = found(focused);
  const told = main().querySelector("[role=alert], [role=status]");
  if (again) again.focus();
  else main().focus({ preventScroll: true });
  if (told) told.scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-partial], [data-live]")) return;
  event.preventDefault();
  const button = event.submitter;
  const data = new FormData(form, button);
  const address = new URL(button?.getAttribute("formaction") ?? form.getAttribute("action"), window.location.href);
  if (form.method === "post") {
    if (form.dataset.sent) return; // pressed twice: it is on its way
    form.dataset.sent = "yes";
    send(address, { method: "POST", body: new URLSearchParams(data) }).finally(() => delete form.dataset.sent);
    return;
  }
  for (const [name, value] of data) if (value) address.searchParams.set(name, value);
  send(address, { method: "GET" });
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches(".filter[data-live]")) form.requestSubmit();
});

window.addEventListener("popstate", () => send(window.location.href, { method: "GET" }));
window.addEventListener("online", () => { lost().hidden = true; });

// Keys. They do nothing while somebody types, or with a modifier held down.

const rows = () => [...document.querySelectorAll("tr[data-case]")];
const current = () => document.activeElement?.closest("tr[data-case]");

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.querySelector("a.open")?.focus();
}

function act(key) {
  const row = current();
  if (row && key === "c") row.querySelector("button.claim")?.click();
  else if (row && key === "s") window.location.assign(`${row.querySelector("a.open").href}#snooze`);
  else if (!row) document.querySelector(`[data-key="${key}"]`)?.click();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  c: () => act("c"),
  s: () => act("s"),
  "/": () => document.getElementById("q")?.focus(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  const does = KEYS[event.key];
  if (!does || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  does();
});

// Whoever opens a form means to write; an address that names one opens it.

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".act[open]")) event.target.querySelector("textarea, button")?.focus();
}, true);

function openNamed() {
  const named = document.getElementById(window.location.hash.slice(1));
  if (named?.matches("details")) named.open = true;
}

window.addEventListener("hashchange", openNamed);
openNamed();
