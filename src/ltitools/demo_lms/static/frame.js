// Lets the tool in the frame say how high its page is: {subject: "lti.frameResize", height: 640}.
"use strict";

const LOWEST = 200;
const HIGHEST = 20000;
const frame = document.querySelector("iframe[data-tool-origin]");

window.addEventListener("message", (event) => {
  if (!frame || event.source !== frame.contentWindow || event.origin !== frame.dataset.toolOrigin) {
    return;
  }
  let message = event.data;
  if (typeof message === "string") {
    try {
      message = JSON.parse(message);
    } catch {
      return;
    }
  }
  const height = Number(message?.height);
  if (message?.subject === "lti.frameResize" && Number.isFinite(height)) {
    frame.height = String(Math.round(Math.min(Math.max(height, LOWEST), HIGHEST)));
  }
});
