// A visit without a cookie. This page stays, and shows the pages of the visit in a frame of its own, a new one for
// each: so a page's scripts and timers end with it, as they would by a navigation. Each page is asked for with the
// token of the visit in a header, and never in an address. Pages know nothing of it: plain links, forms, fetch and
// downloads are taken over here. `history` and the address are those of the page that is shown.
"use strict";

const STORED = "ltitools-visit:";
const NAMED = "ltitools-visit ";
const OURS = "X-Ltitools-Visit";
const DOWNLOAD_SECONDS = 60;
const busy = document.querySelector("[data-busy]");
const trouble = document.querySelector(".visit-trouble");
const { visit, home, frameTitle, tryCookie } = document.body.dataset;
let token = document.body.dataset.token;
let shown = null;
let working = false;
let isBehind = false;

// --- Where the token is kept: the storage of this frame, and its name where a browser denies even that.

function keep(id) {
  try {
    sessionStorage.setItem(STORED + id, token);
  } catch {
    const before = window.name.startsWith(NAMED) ? window.name.split(" ")[2] : encodeURIComponent(window.name);
    window.name = `${NAMED}${token} ${before}`;
  }
}

// A page around the frame can name it too. So a name counts only where this very page is shown again.
function kept(id) {
  try {
    return sessionStorage.getItem(STORED + id) ?? "";
  } catch {
    const [navigation] = performance.getEntriesByType("navigation");
    const again = ["reload", "back_forward"].includes(navigation?.type);
    return again && window.name.startsWith(NAMED) ? window.name.split(" ")[1] : "";
  }
}

function clearName() {
  if (window.name.startsWith(NAMED)) window.name = decodeURIComponent(window.name.split(" ")[2]);
}

function forget() {
  clearName();
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (sessionStorage.getItem(key) === token) sessionStorage.removeItem(key);
    }
  } catch {
    // Nothing was kept there.
  }
  token = "";
}

// --- Asking for pages, and showing them.

const pathOf = (url) => new URL(url, location.href);
const isOurs = (url) => url.origin === location.origin && /^\/tools\/(?!-\/arrive$|[^/]+\/-\/static\/)/.test(url.pathname);
const visitOf = (url) => /^\/tools\/[^/]+\/([\w-]{16,32})(\/|$)/.exec(url.pathname)?.[1];

function withToken(options = {}) {
  return { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } };
}

function setWorking(on) {
  working = on;
  busy.hidden = !on;
  document.documentElement.toggleAttribute("data-working", on);
}

/** Ask for a page and show it. `record` is what becomes of the browser's history: push, replace or none. */
async function open(url, { method = "GET", body = null, record = "push" } = {}) {
  if (working) return;
  // The visit has ended: the server says so to a page that asks for itself.
  if (!token) return location.replace(url);
  setWorking(true);
  trouble.hidden = true;
  try {
    const answer = await fetch(url, withToken({ method, body, cache: "no-store" }));
    // A web server in front answers by itself while ours is away. The page with what was typed is worth more.
    if (!answer.headers.has(OURS)) throw new Error(`status ${answer.status} from somewhere else`);
    if (isDownload(answer)) return await download(answer);
    const text = await answer.text();
    if (answer.headers.get(OURS) === "ended") forget();
    const at = pathOf(answer.url);
    at.hash = pathOf(url).hash;
    note(at, method === "GET" || answer.redirected ? record : "none");
    show(text);
  } catch {
    trouble.hidden = false;
    // The platform's frame may be higher than the window.
    trouble.scrollIntoView({ block: "nearest" });
  } finally {
    setWorking(false);
  }
  if (isBehind) goBack();
}

// Back and forward change the address at once; while a page is on its way, what is there afterwards is shown.
function goBack() {
  isBehind = working;
  if (!isBehind) open(location.href, { record: "none" });
}

function note(url, record) {
  const id = visitOf(url);
  if (id && token) keep(id);
  if (record === "replace" || (record === "push" && url.href === location.href)) history.replaceState(null, "", url);
  else if (record === "push") history.pushState(null, "", url);
}

// The page is written into an empty frame: it has this page's address and origin, and a world of its own.
function show(text) {
  const frame = document.createElement("iframe");
  frame.title = frameTitle;
  frame.className = "visit-page";
  document.body.append(frame);
  const before = shown;
  const hadFocus = document.hasFocus();
  shown = frame;
  const page = frame.contentDocument;
  page.open();
  takeOver(frame.contentWindow);
  const ready = () => {
    before?.remove();
    frame.dataset.ready = "";
    document.title = page.title;
    document.documentElement.lang = page.documentElement.lang;
    toFragment(page);
    if (hadFocus) frame.contentWindow.focus();
    loadMedia(page);
  };
  frame.contentWindow.addEventListener("load", ready, { once: true });
  // A page that reloads itself reloads the empty frame that it was written into.
  frame.addEventListener("load", () => {
    if (frame === shown && frame.contentDocument?.URL === "about:blank") open(location.href, { record: "none" });
  });
  page.write(prepared(text));
  page.close();
}

function toFragment(page) {
  if (location.hash.length > 1) page.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

// Pictures of a visit need the token as well: they are put aside before the browser asks for them without it.
function prepared(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  if (window.parent === window) for (const part of page.querySelectorAll("[data-in-frame]")) part.remove();
  for (const medium of page.querySelectorAll("img[src], audio[src], video[src], source[src]")) {
    if (!isOurs(pathOf(medium.getAttribute("src")))) continue;
    medium.dataset.visitSrc = medium.getAttribute("src");
    medium.removeAttribute("src");
  }
  return `<!doctype html>${page.documentElement.outerHTML}`;
}

async function loadMedia(page) {
  for (const medium of page.querySelectorAll("[data-visit-src]")) {
    const answer = await fetch(pathOf(medium.dataset.visitSrc), withToken());
    if (answer.ok) medium.src = URL.createObjectURL(await answer.blob());
  }
}

function isDownload(answer) {
  const kind = answer.headers.get("Content-Type") ?? "";
  const disposition = answer.headers.get("Content-Disposition") ?? "";
  return answer.ok && (!kind.startsWith("text/html") || disposition.startsWith("attachment"));
}

async function download(answer) {
  const disposition = answer.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition);
  const plain = /filename="?([^";]+)"?/i.exec(disposition);
  // In the page that is shown: WebKit asks the policy of the page around the frame of a link, which is the platform's.
  const page = shown?.contentDocument ?? document;
  const link = page.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = encoded ? decodeURIComponent(encoded[1]) : plain?.[1] ?? pathOf(answer.url).pathname.split("/").pop();
  page.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_SECONDS * 1000);
}

// --- What a page does: links, forms, fetch and XMLHttpRequest, in its own window.

function takeOver(page) {
  page.addEventListener("click", (event) => follow(event));
  page.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && send(event.target, event.submitter)) event.preventDefault();
  });
  const { submit } = page.HTMLFormElement.prototype;
  page.HTMLFormElement.prototype.submit = function () {
    if (!send(this, null)) submit.call(this);
  };
  const { fetch: plainly } = page;
  page.fetch = (input, options) => {
    const request = new page.Request(input, options);
    if (isOurs(pathOf(request.url))) request.headers.set("Authorization", `Bearer ${token}`);
    return plainly.call(page, request);
  };
  const { open: begin } = page.XMLHttpRequest.prototype;
  page.XMLHttpRequest.prototype.open = function (method, url, ...more) {
    begin.call(this, method, url, ...more);
    if (isOurs(pathOf(url))) this.setRequestHeader("Authorization", `Bearer ${token}`);
  };
}

function follow(event) {
  const link = event.target.closest?.("a[href]");
  const special = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || special || event.defaultPrevented || !["", "_self"].includes(link.target)) return;
  const url = pathOf(link.getAttribute("href"));
  const here = url.href.split("#")[0] === location.href.split("#")[0];
  if (here && url.hash) return;
  if (!isOurs(url)) {
    if (/^https?:$/.test(url.protocol)) leave(event, url);
    return;
  }
  event.preventDefault();
  open(url);
}

function leave(event, url) {
  event.preventDefault();
  clearName();
  location.assign(url);
}

/** Send a form; false where the browser is to do it, in a window of its own. */
function send(form, submitter) {
  const said = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? "";
  if (!["", "_self"].includes(said("target"))) return false;
  const url = pathOf(said("action") || location.href);
  const fields = new FormData(form, submitter);
  if (!isOurs(url)) {
    sendAway(url, said("method"), fields);
  } else if (said("method").toLowerCase() !== "post") {
    url.search = new URLSearchParams(fields);
    open(url);
  } else {
    const isMultipart = said("enctype") === "multipart/form-data";
    open(url, { method: "POST", body: isMultipart ? fields : new URLSearchParams(fields) });
  }
  return true;
}

// A form for another site, such as the answer to the platform, takes the place of this page, not of the one inside.
function sendAway(url, method, fields) {
  const form = document.createElement("form");
  Object.assign(form, { method: method || "get", action: url.href, hidden: true });
  for (const [name, value] of fields) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  document.body.append(form);
  clearName();
  form.submit();
}

// --- Beginning.

async function begin() {
  const around = visitAround();
  if (around) return around(location.href);
  delete document.body.dataset.token;
  if (tryCookie !== undefined && (await opensByCookie())) return location.replace(home);
  token ||= kept(visit);
  if (!token) return document.body.append(document.getElementById("refusal").content.cloneNode(true));
  window.ltitoolsVisit = (url) => open(url, { record: "replace" });
  window.addEventListener("popstate", goBack);
  window.addEventListener("message", relay);
  window.opener = null;
  trouble.querySelector("button").addEventListener("click", () => { trouble.hidden = true; });
  if (home) history.replaceState(null, "", home);
  await open(home || location.href, { record: "replace" });
}

async function opensByCookie() {
  const answer = await fetch(home);
  return answer.ok && answer.headers.get(OURS) !== "shell";
}

// A page's script that reloads or sets the address brings this page into the frame of a visit: let that one open it.
function visitAround() {
  try {
    return window.parent !== window ? window.parent.ltitoolsVisit : null;
  } catch {
    return null;
  }
}

// Pages tell whoever frames them how high they are; that is this page, and the platform is around it.
function relay(event) {
  const own = event.source === shown?.contentWindow && event.data?.subject === "lti.frameResize";
  if (own && window.parent !== window) window.parent.postMessage(event.data, "*");
}

begin();
