// What the worker's page does beyond plain forms: keys, and a word when the connection is lost. All else works without.

const typing = "input:not([type=checkbox], [type=radio]), textarea, select";
const trouble = () => document.getElementById("trouble");

// A key presses what it is printed on. Held keys do not repeat, so that nobody answers a query he has not seen.
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.target.closest(typing)) return;
  const key = event.key.toLowerCase();
  if (key === "enter" && event.target.closest("button, a, summary, audio")) return;
  const pressed = document.querySelector(`#card [data-key="${CSS.escape(key)}"]`);
  if (!pressed || event.target.closest(".report")) return;
  event.preventDefault();
  pressed.click();
});

// "Cannot tell" and "yes" of one tile rule each other out.
document.addEventListener("change", (event) => {
  const tile = event.target.closest(".tile");
  if (!tile || !event.target.checked) return;
  for (const box of tile.querySelectorAll("input")) if (box !== event.target) box.checked = false;
});

// A picture of a few pixels is shown as such, not as a blur.
document.addEventListener("load", ({ target }) => target.classList?.toggle("pixels", target.naturalWidth <= 64), true);

// A page in the background leases nothing.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.hasAttribute("data-polls")) event.preventDefault();
});

const lost = "The connection was lost. Your choice is still here: answer again when you are back, nothing counts twice.";
const broken = "The server did not answer as it should. Your choice is still here: try again in a moment.";
const say = (sentence) => (event) => {
  if (trouble() && !trouble().textContent.trim()) trouble().textContent = sentence;
};
document.addEventListener("htmx:sendError", say(lost));
document.addEventListener("htmx:timeout", say(lost));
document.addEventListener("htmx:responseError", (event) => setTimeout(() => say(broken)(event)));
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) return;
  trouble()?.replaceChildren();
  for (const read of document.querySelectorAll("main > .notice")) read.remove();
});
