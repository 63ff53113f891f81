// The storage that a learning platform offers to a tool in its frame, by messages between windows.
// https://www.imsglobal.org/spec/lti-pm-s/v0p1/
"use strict";

const PATIENCE = 700;
const CURIOSITY = 400;

/** The storage that `target` names, at the platform's `origin`; null where this window has nobody to ask. */
export async function platformStorage(target, origin) {
  const around = window.parent !== window ? window.parent : window.opener;
  if (!target || !around) return null;
  const named = windowNamed(around, await supportedTarget(around) || target) || windowNamed(around, target);
  if (!named) return null;
  const exchange = (subject, fields) => ask(named, origin, subject, fields, PATIENCE);
  return {
    put: async (key, value) => {
      const answer = await exchange("lti.put_data", { key, value });
      return Boolean(answer) && !answer.error && answer.key === key;
    },
    get: async (key) => {
      const answer = await exchange("lti.get_data", { key });
      return answer && !answer.error && answer.key === key ? answer.value : null;
    },
  };
}

// A platform may say that another frame than the one it named takes the data. Nothing secret is in the question.
async function supportedTarget(around) {
  const answer = await ask(around, "*", "lti.capabilities", {}, CURIOSITY);
  const messages = Array.isArray(answer?.supported_messages) ? answer.supported_messages : [];
  return messages.find((each) => each?.subject === "lti.put_data")?.frame;
}

function windowNamed(around, name) {
  if (name === "_parent") return around;
  try {
    return around.frames[name] ?? null;
  } catch {
    return null;
  }
}

// One question and its answer. Anybody may send us messages: only the asked window, at the expected origin, with the
// number of this very question is heard. Mobile apps never answer, so nobody is waited for long.
function ask(target, origin, subject, fields, patience) {
  return new Promise((resolve) => {
    const number = crypto.randomUUID();
    const finish = (answer) => {
      clearTimeout(timer);
      window.removeEventListener("message", hear);
      resolve(answer);
    };
    const hear = (event) => {
      const data = event.data;
      const expected = event.source === target && (origin === "*" || event.origin === origin);
      if (!expected || data?.message_id !== number || data.subject !== `${subject}.response`) return;
      finish(data);
    };
    const timer = setTimeout(finish, patience, null);
    window.addEventListener("message", hear);
    target.postMessage({ subject, message_id: number, ...fields }, origin);
  });
}

/** The key of a login: the state is in it, so that launches at the same time do not disturb each other. */
export const keyOf = (state) => `ltitools-login-${state}`;

/** What the name of a frame begins with while it holds a login; then state, secret, and the name it had before. */
export const NAME_PREFIX = "ltitools-login ";
