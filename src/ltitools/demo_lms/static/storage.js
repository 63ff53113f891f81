// Keeps values for tools: {subject: "lti.put_data", key, value, message_id} and "lti.get_data", answered with
// "<subject>.response". https://www.imsglobal.org/spec/lti-pm-s/v0p1
//
// It runs in the storage frame, or in the page around the tool (data-page), where frame.js answers the rest.
"use strict";

const MOST_KEYS = 500;
const MOST_CHARACTERS = 4096;
const STORAGE_SUBJECTS = ["lti.capabilities", "lti.put_data", "lti.get_data"];
const PAGE_SUBJECTS = ["lti.frameResize", "lti.fetchWindowSize"];
const { manner, page } = document.currentScript.dataset;
const inPage = page !== undefined;
const stores = new Map();

window.addEventListener("message", (event) => {
  const message = event.data;
  const subject = message?.subject;
  if (manner === "silent" || event.origin === "null" || event.source === window) {
    return;
  }
  if (typeof subject !== "string" || !subject.startsWith("lti.") || subject.endsWith(".response")) {
    return;
  }
  if (inPage && PAGE_SUBJECTS.includes(subject)) {
    return;
  }
  const answers = manner === "hostile" ? lies(message) : [answerTo(message, event.origin)];
  for (const answer of answers) {
    const named = { subject: `${subject}.response`, message_id: message.message_id, ...answer };
    event.source.postMessage(named, event.origin);
  }
});

function answerTo(message, origin) {
  if (!STORAGE_SUBJECTS.includes(message.subject)) {
    return problem("unsupported_subject", `${message.subject} is not answered here`);
  }
  if (!message.message_id) {
    return problem("bad_request", "message_id is missing");
  }
  if (message.subject === "lti.capabilities") {
    const subjects = inPage ? [...STORAGE_SUBJECTS, ...PAGE_SUBJECTS] : STORAGE_SUBJECTS;
    return { supported_messages: subjects.map((subject) => ({ subject })) };
  }
  if (typeof message.key !== "string" || !message.key) {
    return problem("bad_request", "key is missing");
  }
  const store = stores.get(origin) ?? new Map();
  stores.set(origin, store);
  if (message.subject === "lti.get_data") {
    return { key: message.key, value: store.get(message.key) ?? null };
  }
  return put(store, message.key, message.value ?? null);
}

function put(store, key, value) {
  if (value === null) {
    store.delete(key);
    return { key, value };
  }
  if (typeof value !== "string") {
    return problem("bad_request", "value is not a string");
  }
  const changed = new Map(store).set(key, value);
  const characters = [...changed].reduce((sum, pair) => sum + pair[0].length + pair[1].length, 0);
  if (manner === "full" || changed.size > MOST_KEYS || characters > MOST_CHARACTERS) {
    return problem("storage_exhaustion", `There is room for ${MOST_KEYS} keys and ${MOST_CHARACTERS} characters`);
  }
  store.set(key, value);
  return { key, value };
}

function problem(code, message) {
  return { error: { code, message } };
}

// What a tool must not fall for: an answer to another message, one about another key, a value that it never put,
// a frame that does not exist; and, from the page around the tool instead of the frame, all of it as it should be.
function lies(message) {
  const { subject, key } = message;
  if (!inPage && window.parent !== window) {
    const lie = { ...message, subject: `${subject}.response`, value: message.value ?? "forged" };
    window.parent.postMessage({ subject: "campus.lie", lie }, location.origin);
  }
  if (subject === "lti.capabilities") {
    const supported = STORAGE_SUBJECTS.map((each) => ({ subject: each, frame: "elsewhere" }));
    return [{ message_id: "forged", supported_messages: supported }, { supported_messages: supported }];
  }
  return [
    { message_id: "forged", key, value: message.value ?? "forged" },
    { key: `${key}-forged`, value: message.value ?? "forged" },
    { key, value: "forged" },
  ];
}
