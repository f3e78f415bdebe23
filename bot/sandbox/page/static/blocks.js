// Block Kit as DOM nodes. `act` is called with the button that was pressed.

import { mrkdwn } from "./mrkdwn.js";

export function blocks(list, names, act) {
  const nodes = document.createDocumentFragment();
  for (const block of list) nodes.append(RENDER[block.type](block, names, act));
  return nodes;
}

const RENDER = {
  header: (block) => el("h2", { className: "block" }, block.text.text),
  divider: () => el("hr"),
  section: (block, names) => block.fields
    ? el("div", { className: "block fields" }, ...block.fields.map((f) => el("div", {}, text(f, names))))
    : el("div", { className: "block" }, text(block.text, names)),
  context: (block, names) =>
    el("div", { className: "block small" }, ...block.elements.map((e) => text(e, names))),
  actions: (block, names, act) =>
    el("div", { className: "block actions" }, ...block.elements.map((e) => button(e, act))),
  input: (block) => {
    const id = `input-${block.block_id}`;
    const area = block.element.multiline ? "textarea" : "input";
    const field = el(area, { id, name: block.block_id });
    if (block.element.initial_value) field.value = block.element.initial_value;
    if (block.element.type === "number_input") {
      Object.assign(field, { type: "number", min: block.element.min_value ?? "", max: block.element.max_value ?? "" });
    }
    if (block.element.max_length) field.maxLength = block.element.max_length;
    const hint = block.hint ? el("div", { className: "small", id: `${id}-hint` }, block.hint.text) : "";
    if (block.hint) field.setAttribute("aria-describedby", `${id}-hint`);
    const label = block.label.text + (block.optional ? " (optional)" : "");
    return el("div", {}, el("label", { htmlFor: id }, label), field, hint,
      el("div", { className: "error", role: "alert", id: `${id}-error` }));
  },
};

function button(element, act) {
  const node = el("button", { type: "button", className: element.style ?? "" }, element.text.text);
  node.dataset.action = element.action_id;
  if (element.accessibility_label) node.setAttribute("aria-label", element.accessibility_label);
  node.addEventListener("click", () => act(element, node));
  return node;
}

function text(object, names) {
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : object.text;
}

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "role") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}
