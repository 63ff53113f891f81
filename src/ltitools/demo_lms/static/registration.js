// Goes back to the list of tools when the page in the frame says that it is done: {subject: "org.imsglobal.lti.close"}.
"use strict";

const frame = document.querySelector("iframe.registration");

window.addEventListener("message", (event) => {
  if (event.source === frame.contentWindow && event.data && event.data.subject === "org.imsglobal.lti.close") {
    location.replace(document.getElementById("done").href);
  }
});
