// Block Kit as DOM nodes. `act` is called with the button that was pressed; `suggest` with a field's
// block id and what was typed there, and tells the options.

import { mrkdwn } from "./mrkdwn.js";

export function blocks(list, names, act, suggest) {
  const nodes = document.createDocumentFragment();
  for (const block of list) nodes.append(RENDER[block.type](block, names, act, suggest));
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
  table: (block) => {
    const [heads, ...rows] = block.rows;
    const row = (cells, tag) => el("tr", {}, ...cells.map((cell) => el(tag, {}, cell.text)));
    return el("table", { className: "block" }, el("thead", {}, row(heads, "th")),
      el("tbody", {}, ...rows.map((cells) => row(cells, "td"))));
  },
  actions: (block, names, act) =>
    el("div", { className: "block actions" }, ...block.elements.map((e) => button(e, act))),
  input: (block, names, act, suggest) => {
    const id = `input-${block.block_id}`;
    if (block.element.type === "external_select") return typeAhead(block, id, suggest);
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

// A field that offers options while one types: a list below it, by mouse or by arrow keys.
function typeAhead(block, id, suggest) {
  const chosen = el("input", { type: "hidden", name: block.block_id });
  const field = el("input", { id, autocomplete: "off", placeholder: block.element.placeholder?.text ?? "" });
  const offers = el("select", { id: `${id}-offers`, size: 6, hidden: true });
  offers.setAttribute("aria-label", `${block.label.text}: what it may be`);
  const choose = () => {
    const option = offers.selectedOptions[0];
    if (!option?.value) return;
    chosen.value = option.value;
    field.value = option.text;
    offers.hidden = true;
    field.focus();
  };
  let asked = 0;
  field.addEventListener("input", async () => {
    chosen.value = "";
    const mine = ++asked;
    const found = await suggest(block.block_id, field.value);
    if (mine !== asked) return; // more was typed meanwhile
    const options = found.map((each) => el("option", { value: each.value }, each.text.text));
    offers.replaceChildren(...(options.length ? options : [el("option", { disabled: true }, "No results")]));
    offers.hidden = field.value.length < (block.element.min_query_length ?? 3);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || offers.hidden) return;
    event.preventDefault();
    offers.selectedIndex = 0;
    offers.focus();
  });
  offers.addEventListener("click", choose);
  offers.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    choose();
  });
  const hint = block.hint ? el("div", { className: "small" }, block.hint.text) : "";
  return el("div", {}, el("label", { htmlFor: id }, block.label.text), field, offers, chosen, hint,
    el("div", { className: "error", role: "alert", id: `${id}-error` }));
}

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
