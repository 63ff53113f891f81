// What the page around a tool's frame does for the tool: its height, {subject: "lti.frameResize", height: 640}; and
// where it announces storage (data-storage-target, see storage.js), what it answers besides.
"use strict";

const LOWEST = 200;
const HIGHEST = 20000;
const frame = document.querySelector("iframe[data-tool-origin]");
const { storageTarget } = document.currentScript.dataset;

window.addEventListener("message", (event) => {
  const message = read(event.data);
  if (!frame || !message) {
    return;
  }
  if (fromStorageFrame(event) && message.subject === "campus.lie") {
    tell(message.lie);
  }
  if (event.source !== frame.contentWindow || event.origin !== frame.dataset.toolOrigin) {
    return;
  }
  const answer = answerFromPage(message);
  if (answer && storageTarget) {
    tell({ subject: `${message.subject}.response`, message_id: message.message_id, ...answer });
  }
});

function read(data) {
  if (typeof data !== "string") {
    return data;
  }
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

function tell(message) {
  frame.contentWindow.postMessage(message, frame.dataset.toolOrigin);
}

function answerFromPage(message) {
  const subject = message.subject;
  if (subject === "lti.frameResize") {
    return resize(Number(message.height));
  }
  if (subject === "lti.fetchWindowSize") {
    const box = frame.getBoundingClientRect();
    const offset = { top: box.top + window.scrollY, left: box.left + window.scrollX };
    return { height: window.innerHeight, width: window.innerWidth, footer: 0, offset, scrollY: window.scrollY };
  }
  if (storageTarget === "_parent" || typeof subject !== "string" || !subject.startsWith("lti.")) {
    return null;
  }
  if (subject === "lti.capabilities") {
    return { supported_messages: supportedMessages() };
  }
  return { error: { code: "unsupported_subject", message: `${subject} is not answered by this page` } };
}

function supportedMessages() {
  const here = ["lti.capabilities", "lti.frameResize", "lti.fetchWindowSize"];
  const there = ["lti.put_data", "lti.get_data"];
  return [...here.map((subject) => ({ subject })), ...there.map((subject) => ({ subject, frame: storageTarget }))];
}

function resize(height) {
  if (!Number.isFinite(height)) {
    return { error: { code: "bad_request", message: "height is not a number" } };
  }
  frame.height = String(Math.round(Math.min(Math.max(height, LOWEST), HIGHEST)));
  return {};
}

function fromStorageFrame(event) {
  const storage = document.querySelector(`iframe[name="${CSS.escape(storageTarget)}"]`);
  return storage !== null && event.source === storage.contentWindow && event.origin === location.origin;
}
