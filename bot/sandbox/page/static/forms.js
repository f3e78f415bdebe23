// Forms: the topmost of up to three that lie upon each other.

import { blocks } from "./blocks.js";
import { $, el } from "./dom.js";
import { EMPTY } from "./elements.js";
import { on, send, tell, world } from "./world.js";

const kept = new Map(); // by view: what was entered, which a change of the view keeps
let opener = null;

function show() {
  const dialog = $("form");
  const view = world.views.at(-1);
  for (const id of kept.keys()) if (!world.views.some((each) => each.id === id)) kept.delete(id);
  if (!view) {
    if (dialog.open) dialog.close();
    dialog.dataset.hash = "";
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    opener = null;
    return;
  }
  if (!dialog.open) opener = document.activeElement;
  if (dialog.dataset.hash !== `${view.id} ${view.hash} ${world.views.length}`) build(dialog, view);
  showErrors(dialog, view.errors);
}

function showErrors(dialog, errors) {
  for (const node of dialog.querySelectorAll(".error")) node.textContent = "";
  for (const node of dialog.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
  let first = null;
  for (const [block, words] of Object.entries(errors)) {
    const node = dialog.querySelector(`[data-error="${CSS.escape(block)}"]`) ?? dialog.querySelector(".error.whole");
    node.textContent = words;
    const field = node.closest(".field")?.querySelector("input, textarea");
    field?.setAttribute("aria-invalid", "true");
    first ??= field;
  }
  first?.focus();
}

function build(dialog, view) {
  dialog.dataset.hash = `${view.id} ${view.hash} ${world.views.length}`;
  const { content } = view;
  if (!kept.has(view.id)) kept.set(view.id, { given: {}, texts: {} });
  const { given, texts } = kept.get(view.id);
  const focused = dialog.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  const where = (element) => ({ view: view.id, block: element.block_id, action: element.action_id });
  const submit = content.submit
    && el("button", { type: "submit", className: "button primary" }, content.submit.text);
  const form = el("form", { method: "dialog", noValidate: true },
    el("div", { className: "title" },
      world.views.length > 1 ? el("button", { type: "button", className: "plain", "aria-label": "Back",
        onclick: () => send("cancel", { view: view.id }) }, "←") : el("span", { className: "avatar app", "aria-hidden": "true" }, "⇧"),
      el("h2", { id: "form-title" }, content.title.text),
      el("span", { className: "practice-tag" }, "PRACTICE"),
      el("button", { type: "button", className: "plain", "aria-label": "Close", onclick: () => close(view) }, "×")),
    el("div", { className: "body" },
      el("div", { className: "error whole", role: "alert" }),
      blocks(content.blocks, {
        names: world.names, given, texts,
        act: (element, entry) => send("use", { ...where(element), entry, given: byBlock(content, given) }),
        suggest: (element, typed) => send("suggest", { ...where(element), typed }),
      })),
    el("div", { className: "foot" },
      el("button", { type: "button", className: "button", onclick: () => send("cancel", { view: view.id }) }, content.close?.text ?? "Cancel"),
      submit ?? ""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit?.getAttribute("aria-disabled")) return;
    const missing = whatIsMissing(content, given);
    if (Object.keys(missing).length) return showErrors(dialog, missing);
    submit?.setAttribute("aria-disabled", "true");
    tell("submitted", content.callback_id);
    try {
      await send("submit", { view: view.id, given: byBlock(content, given) });
    } finally {
      submit?.removeAttribute("aria-disabled");
    }
  });
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
  const wanted = form.querySelector("[autofocus]") ?? (focused && form.querySelector(`[data-action="${CSS.escape(focused)}"]`))
    ?? form.querySelector(".body input, .body textarea") ?? submit;
  wanted?.focus();
}

// Fields by their block; what acts by itself by block and action.
function byBlock(content, given) {
  const fields = new Set(content.blocks.filter((each) => each.type === "input").map((each) => each.block_id));
  return Object.fromEntries(Object.entries(given).map(([key, entry]) => {
    const block = key.slice(0, key.indexOf("/"));
    return [fields.has(block) ? block : key, entry];
  }));
}

// What Slack itself finds wrong before it sends a form.
function whatIsMissing(content, given) {
  const missing = {};
  for (const block of content.blocks.filter((each) => each.type === "input")) {
    const { element } = block;
    const entry = given[`${block.block_id}/${element.action_id}`];
    const wrong = EMPTY(entry) ? !block.optional && "Please complete this required field." : problem(element, entry);
    if (wrong) missing[block.block_id] = wrong;
  }
  return missing;
}

function problem(element, entry) {
  switch (element.type) {
    case "number_input": {
      const number = Number(entry);
      if (Number.isNaN(number) || (!element.is_decimal_allowed && !Number.isInteger(number))) return "Please enter a whole number.";
      if (element.min_value && number < Number(element.min_value)) return `Please enter a number of at least ${element.min_value}.`;
      if (element.max_value && number > Number(element.max_value)) return `Please enter a number of at most ${element.max_value}.`;
      return null;
    }
    case "url_text_input": return /^https?:\/\/\S+\.\S+|^https?:\/\/localhost/.test(entry) ? null : "Please enter a valid URL.";
    case "email_text_input": return /^\S+@\S+\.\S+$/.test(entry) ? null : "Please enter a valid email address.";
    case "plain_text_input": return element.min_length && entry.length < element.min_length
      ? `Please enter at least ${element.min_length} characters.` : null;
    default: return null;
  }
}

// The cross closes all of them, as `clear_on_close` or not is about the button.
function close(view) {
  return world.views.length > 1 ? send("clear") : send("cancel", { view: view.id });
}

export function begin() {
  on("state", show);
  on("views", show);
  $("form").addEventListener("cancel", (event) => {
    event.preventDefault();
    const view = world.views.at(-1);
    if (view) send("cancel", { view: view.id });
  });
}
