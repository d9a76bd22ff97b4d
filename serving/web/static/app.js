// Faster pages; every page also works without this script.
//
// Forms marked data-partial or data-live are sent in the background, and the response replaces <main>. Without a
// network connection the page stays as it is, with the typed texts. Keyboard shortcuts select cases of the queue.

const main = () => document.getElementById("main");
const offline = () => document.getElementById("offline");

let requests = 0; // only the response to the newest request is shown

async function send(address, options) {
  const focused = currentPlace();
  const number = ++requests;
  let answer;
  let text;
  main().setAttribute("aria-busy", "true");
  try {
    answer = await fetch(address, options);
    text = await answer.text();
  } catch {
    offline().hidden = false;
    return;
  } finally {
    if (number === requests) main().removeAttribute("aria-busy");
  }
  if (number !== requests) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("main");
  if (!fresh) {
    window.location.assign(answer.url);
    return;
  }
  offline().hidden = true;
  if (document.getElementById("filters")?.open) fresh.querySelector("#filters")?.setAttribute("open", "");
  main().replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  if (answer.url !== window.location.href && (answer.redirected || options.method !== "POST")) {
    window.history.pushState(null, "", answer.url);
  }
  restoreFocus(focused);
}

// The focused field, or the row of the queue; if its case leaves the list, the next row takes the focus.
function currentPlace() {
  const row = current();
  return { id: document.activeElement?.id, case: row?.dataset.case, at: rows().indexOf(row) };
}

function elementAt({ id, case: name, at }) {
  if (id) return document.getElementById(id);
  if (at < 0) return null;
  const all = rows();
  const row = all.find((other) => other.dataset.case === name) ?? all[Math.min(at, all.length - 1)];
  return row?.querySelector("a.open");
}

function restoreFocus(focused) {
  showSelected();
  const element = elementAt(focused);
  const message = main().querySelector("[role=alert], [role=status]");
  if (element) element.focus();
  else main().focus({ preventScroll: true });
  if (message) message.scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-partial], [data-live]")) return;
  event.preventDefault();
  const button = event.submitter;
  const data = new FormData(form, button);
  const address = new URL(button?.getAttribute("formaction") ?? form.getAttribute("action"), window.location.href);
  if (form.method === "post") {
    if (form.dataset.sent) return; // a second click while the first is being sent
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
  showSelected();
});

// The bar for the selected cases says how many there are.
function showSelected() {
  const text = document.querySelector("[data-selected]");
  const count = document.querySelectorAll(".pick input:checked").length;
  if (text) text.textContent = count ? `${count} selected ${count === 1 ? "case" : "cases"}` : "Selected cases";
}

window.addEventListener("popstate", () => send(window.location.href, { method: "GET" }));
window.addEventListener("online", () => { offline().hidden = true; });

// Keyboard shortcuts. They do nothing while the user types, or together with a modifier key.

const rows = () => [...document.querySelectorAll("tr[data-case]")];
const current = () => document.activeElement?.closest("tr[data-case]");

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.querySelector("a.open")?.focus();
}

function runShortcut(key) {
  const row = current();
  if (row && key === "c") row.querySelector("button.claim")?.click();
  else if (row && key === "s") window.location.assign(`${row.querySelector("a.open").href}#snooze`);
  else if (!row) document.querySelector(`[data-key="${key}"]`)?.click();
}

function goToBar() {
  document.querySelector(".bulk button")?.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  c: () => runShortcut("c"),
  s: () => runShortcut("s"),
  b: () => goToBar(),
  n: () => document.getElementById("next")?.click(),
  "/": () => document.getElementById("q")?.focus(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  const shortcut = KEYS[event.key];
  if (!shortcut || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  shortcut();
});

// Opening a form focuses its first field; an address that names a form opens it.

const FORMS = ".action[open], .bulk-action[open], .open-case[open]";

function focusFirst(details) {
  details.querySelector("input:not([type=hidden]), select, textarea, button")?.focus();
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(FORMS)) focusFirst(event.target);
}, true);

document.addEventListener("click", (event) => {
  if (!event.target.closest(".to-bulk")) return;
  event.preventDefault();
  goToBar();
});

function openNamed() {
  const named = document.getElementById(window.location.hash.slice(1));
  if (!named?.matches("details")) return;
  named.open = true;
  setTimeout(() => focusFirst(named)); // after the browser has scrolled to it, which takes the focus away
}

window.addEventListener("hashchange", openNamed);
if (document.readyState === "complete") openNamed();
else window.addEventListener("load", openNamed);
showSelected();

// Times are written in the time zone of the browser, where the policy does not name that of the reader.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`zone=${zone}`)) {
  document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${window.location.protocol === "https:" ? "; secure" : ""}`;
}
