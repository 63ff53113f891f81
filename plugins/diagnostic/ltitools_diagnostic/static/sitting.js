// The clock of a sitting. The server keeps the time: this only shows it, and saves the page when it is over.
"use strict";

for (const clock of document.querySelectorAll(".clock[data-seconds]")) {
  const ends = Date.now() + Number(clock.dataset.seconds) * 1000;
  const shown = clock.querySelector("[role=timer]");
  const said = clock.querySelector("[role=status]");
  const warnings = [[60, clock.dataset.one], [300, clock.dataset.five]];
  let before = Number(clock.dataset.seconds) + 1;

  const two = (number) => String(number).padStart(2, "0");
  const written = (left) => {
    const hours = Math.floor(left / 3600);
    const minutes = Math.floor((left % 3600) / 60);
    return hours ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
  };

  // A page without a form of the sitting is loaded again: the server then says that the time is over.
  const finish = () => {
    const form = document.getElementById("answers") || document.getElementById("submission");
    if (!form) return location.reload();
    if (form.id === "answers") {
      const go = document.createElement("input");
      Object.assign(go, { type: "hidden", name: "go", value: "time" });
      form.append(go);
    }
    form.submit();
  };

  const tick = () => {
    const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    shown.textContent = written(left);
    for (const [at, text] of warnings) {
      if (left <= at && before > at) said.textContent = text;
    }
    clock.classList.toggle("short", left <= 60);
    before = left;
    if (left) setTimeout(tick, 500);
    else finish();
  };
  tick();
}
