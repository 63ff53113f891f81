// Before the platform is asked: find out what this browser keeps in this place. The platform's hint works once only,
// so a launch whose answer would come back to nothing must not be begun.
"use strict";

import { keyOf, NAME_PREFIX, platformStorage } from "./platform-storage.js";

const page = document.querySelector("[data-login]");
const { kept, state, secret, storageTarget, platformOrigin } = page.dataset;
const allowed = page.dataset.layers.split(" ");
const key = keyOf(state);
const framed = window.parent !== window;

const layers = {
  cookie: async () => {
    const answer = await fetch(kept, { method: "POST", body: new URLSearchParams({ state }) });
    return answer.ok && (await answer.json()).kept;
  },
  storage: () => {
    sessionStorage.setItem(key, secret);
    return sessionStorage.getItem(key) === secret;
  },
  platform: async () => {
    const storage = await platformStorage(storageTarget, platformOrigin);
    return Boolean(storage) && (await storage.put(key, secret)) && (await storage.get(key)) === secret;
  },
  // A window of its own loses its name on the way to another site, unless another window has opened it.
  name: () => {
    if (!framed && !window.opener) return false;
    const left = window.name.startsWith(NAME_PREFIX) ? window.name.split(" ")[3] : encodeURIComponent(window.name);
    window.name = `${NAME_PREFIX}${state} ${secret} ${left}`;
    return true;
  },
};

async function works(layer) {
  try {
    return await layers[layer]();
  } catch {
    return false;
  }
}

async function begin() {
  for (const layer of Object.keys(layers)) {
    if (allowed.includes(layer) && (await works(layer))) return location.replace(page.dataset.login);
  }
  const way = allowed.includes("window") && page.dataset.window === undefined ? "window" : "nowhere";
  if (way === "nowhere") fetch(kept, { method: "POST", body: new URLSearchParams({ state, nothing: "1" }) });
  document.getElementById("waiting").hidden = true;
  document.getElementById(way).hidden = false;
}

begin();
