// Sends the page's one form by itself. Without this script the person presses the button.
"use strict";

HTMLFormElement.prototype.submit.call(document.querySelector("form[data-submit]"));
