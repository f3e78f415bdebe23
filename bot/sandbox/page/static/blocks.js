// Block Kit as DOM nodes.

import { el, newId } from "./dom.js";
import { element } from "./elements.js";
import { mrkdwn } from "./mrkdwn.js";

// `scope`: names, act(element, entry), suggest(element, typed), dispatch: whether choosing acts.
export function blocks(list, scope) {
  const nodes = document.createDocumentFragment();
  const tables = list.filter((block) => block.type === "table");
  for (const block of [...list.filter((each) => each.type !== "table"), ...tables]) {
    nodes.append(RENDER[block.type]?.(block, within(block, scope)) ?? unknown(block));
  }
  return nodes;
}

// What an element of this block does and holds.
function within(block, scope) {
  const key = (object) => `${block.block_id}/${object.action_id}`;
  return {
    ...scope,
    labelled: block.type === "input",
    text: (object) => text(object, scope.names),
    act: (object, entry) => scope.act({ ...object, block_id: block.block_id }, entry),
    suggest: (object, typed) => scope.suggest({ ...object, block_id: block.block_id }, typed),
    held: (object) => scope.given[key(object)],
    heldText: (object) => scope.texts[key(object)],
    enter: (object, entry, words) => {
      scope.given[key(object)] = entry;
      scope.texts[key(object)] = words;
    },
    chosen: (object, entry) => {
      if (block.type === "input" && !block.dispatch_action) return;
      scope.act({ ...object, block_id: block.block_id }, entry);
    },
  };
}

const RENDER = {
  header: (block) => el("h3", { className: "block head" }, block.text.text),
  divider: () => el("hr"),
  section: (block, scope) => {
    const words = el("div", { className: "words" });
    if (block.text) words.append(el("div", {}, scope.text(block.text)));
    if (block.fields) {
      words.append(el("div", { className: "fields" }, block.fields.map((field) => el("div", {}, scope.text(field)))));
    }
    const accessory = block.accessory && (block.accessory.type === "image" ? image(block.accessory)
      : element(block.accessory, scope, words.textContent.slice(0, 75)));
    return el("div", { className: "block section" }, words,
      accessory ? el("div", { className: "accessory" }, accessory) : "");
  },
  context: (block, scope) => el("div", { className: "block context" },
    block.elements.map((each) => (each.type === "image" ? image(each) : el("span", {}, scope.text(each))))),
  actions: (block, scope) => el("div", { className: "block actions" },
    block.elements.map((each) => element(each, scope, each.placeholder?.text ?? "Choose"))),
  image: (block) => el("figure", { className: "block" },
    block.title ? el("figcaption", { className: "small" }, block.title.text) : "", image(block)),
  table: (block, scope) => table(block, scope),
  input: (block, scope) => input(block, scope),
};

// Only pictures of the practice workspace itself are loaded; for others their words stand.
function image(object) {
  return el("span", { className: "picture", role: "img", "aria-label": object.alt_text }, `🖼 ${object.alt_text}`);
}

function table(block) {
  const [heads, ...rows] = block.rows;
  const settings = block.column_settings ?? [];
  const words = (cell) => cell.text ?? String(cell.value);
  const row = (cells, tag) => el("tr", {}, cells.map((cell, column) =>
    el(tag, { className: `to-${settings[column]?.align ?? "left"}` }, words(cell))));
  return el("div", { className: "block table", role: "region", tabindex: "0", "aria-label": "Table" },
    el("table", {}, el("thead", {}, row(heads, "th")), el("tbody", {}, rows.map((cells) => row(cells, "td")))));
}

function input(block, scope) {
  const label = block.label.text + (block.optional ? " (optional)" : "");
  const id = newId("field");
  const node = element(block.element, scope, block.label.text);
  const field = node.matches("input, textarea") ? node : node.querySelector("[role=combobox]");
  const hint = block.hint ? el("div", { className: "small hint", id: `${id}-hint` }, block.hint.text) : "";
  const error = el("div", { className: "error", id: `${id}-error`, role: "alert", "data-error": block.block_id });
  if (field) {
    field.id = id;
    field.setAttribute("aria-describedby", `${block.hint ? `${id}-hint ` : ""}${id}-error`);
    if (!block.optional) field.setAttribute("aria-required", "true");
  }
  const name = field ? el("label", { for: id }, label) : el("div", { className: "label" }, label);
  return el("div", { className: "block field" }, name, node, hint, error);
}

function text(object, names) {
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : object.text;
}

function unknown(block) {
  return el("div", { className: "block small" }, `(a block of type ${block.type})`);
}
