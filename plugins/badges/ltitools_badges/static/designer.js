// Shows the picture of a badge anew whenever something in its form is changed. Without this, a button does.
"use strict";

const form = document.querySelector("[data-designer]");
const picture = document.querySelector("[data-designed]");
const state = document.querySelector("[data-state]");
const own = document.getElementById("pair-own");
const PAUSE = 200;
let asked = 0;
let timer = 0;

async function draw() {
  const number = ++asked;
  const values = new URLSearchParams();
  for (const name of ["shape", "pair", "primary", "secondary", "text_top", "text_main", "icon", "ribbon"]) {
    values.set(name, form.elements[name].value);
  }
  try {
    const answer = await fetch(`${form.dataset.designer}?${values}`);
    const text = answer.ok ? await answer.text() : "";
    // An answer that comes after that of a later question is an old one.
    if (number !== asked) return;
    if (text) picture.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
    state.textContent = text ? state.dataset.unsaved : state.dataset.refused;
  } catch {
    // The button that shows the picture tells what is wrong.
  }
}

form.addEventListener("input", (event) => {
  // Whoever changes one of the two colours means it.
  if ("own" in event.target.dataset) own.checked = true;
  clearTimeout(timer);
  timer = setTimeout(draw, PAUSE);
});
