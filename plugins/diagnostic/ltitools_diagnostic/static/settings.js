// Suggests the time zone of this browser where no date has been given yet.
"use strict";

const zone = document.querySelector("[data-suggest]");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone.value === "UTC" && own && document.querySelector(`#zones option[value="${CSS.escape(own)}"]`)) {
  zone.value = own;
}
