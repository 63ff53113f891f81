// Opens the part of the form that a link leads into, where a browser does not do so by itself.
"use strict";

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  const part = link && document.getElementById(link.hash.slice(1))?.closest("details");
  if (part) part.open = true;
});
