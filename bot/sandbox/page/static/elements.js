// Block Kit's interactive elements. A `scope` says what using one does:
// act(element, entry), suggest(element, typed), and given: what the elements hold, by "block/action".

import { $, el, newId } from "./dom.js";

export function element(object, scope, label = "") {
  return MAKE[object.type](object, scope, label);
}

export const EMPTY = (entry) => entry === undefined || entry === null || entry === "" || entry.length === 0;

const MAKE = {
  button: (object, scope) => {
    const name = { "aria-label": object.accessibility_label, "data-action": object.action_id };
    const look = `button ${object.style ?? ""}`;
    if (object.url) {
      return el("a", { ...name, className: look, href: object.url, target: "_blank", rel: "noreferrer",
        onclick: () => { scope.act(object); } }, object.text.text, el("span", { "aria-hidden": "true" }, " ↗"));
    }
    const node = el("button", { ...name, type: "button", className: look }, object.text.text);
    node.addEventListener("click", () => press(object, node, scope));
    return node;
  },
  overflow: (object, scope) => el("button", {
    type: "button", className: "button more", "aria-label": "More actions", "aria-haspopup": "menu",
    "data-action": object.action_id,
    onclick: async ({ currentTarget }) => {
      const { menu } = await import("./dom.js");
      menu(currentTarget, object.options.map((option) => ({
        words: option.text.text, hint: option.description?.text,
        act: () => press(object, currentTarget, scope, option.value),
      })));
    },
  }, "⋯"),
  static_select: (object, scope, label) => picker(object, scope, label, localOptions(object)),
  external_select: (object, scope, label) => picker(object, scope, label, remoteOptions(object, scope)),
  multi_static_select: (object, scope, label) => severalPicker(object, scope, label, localOptions(object)),
  multi_external_select: (object, scope, label) => severalPicker(object, scope, label, remoteOptions(object, scope)),
  checkboxes: (object, scope, label) => ticks(object, scope, label, "checkbox"),
  radio_buttons: (object, scope, label) => ticks(object, scope, label, "radio"),
  plain_text_input: (object, scope) => {
    const node = el(object.multiline ? "textarea" : "input", { rows: 4 });
    return typed(node, object, scope);
  },
  number_input: (object, scope) => typed(el("input", {
    type: "number", min: object.min_value ?? "", max: object.max_value ?? "",
    step: object.is_decimal_allowed ? "any" : "1" }), object, scope),
  url_text_input: (object, scope) => typed(el("input", { type: "url" }), object, scope),
  email_text_input: (object, scope) => typed(el("input", { type: "email" }), object, scope),
  datepicker: (object, scope) => {
    const node = typed(el("input", { type: "date" }), { ...object, initial_value: object.initial_date }, scope);
    node.addEventListener("change", () => scope.chosen(object, node.value));
    return node;
  },
};

async function press(object, node, scope, entry) {
  if (object.confirm && !(await confirmed(object.confirm))) return;
  node.classList.add("pending");
  node.setAttribute("aria-disabled", "true");
  try {
    await scope.act(object, entry);
  } finally {
    node.classList.remove("pending");
    node.removeAttribute("aria-disabled");
  }
}

export function confirmed(question) {
  const dialog = $("confirm");
  return new Promise((resolve) => {
    const answer = (value) => { dialog.close(); resolve(value); };
    dialog.replaceChildren(
      el("div", { className: "title" }, el("h2", { id: "confirm-title" }, question.title.text)),
      el("p", { className: "body" }, question.text.text),
      el("div", { className: "foot" },
        el("button", { type: "button", className: "button", onclick: () => answer(false) }, question.deny.text),
        el("button", { type: "button", className: `button ${question.style ?? "primary"}`, onclick: () => answer(true) },
          question.confirm.text)));
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
  });
}

function typed(node, object, scope) {
  node.value = scope.held(object) ?? object.initial_value ?? "";
  if (object.max_length) node.maxLength = object.max_length;
  if (object.min_length) node.minLength = object.min_length;
  node.placeholder = object.placeholder?.text ?? "";
  node.autocomplete = "off";
  if (object.focus_on_load) node.autofocus = true;
  node.addEventListener("input", () => scope.enter(object, node.value));
  scope.enter(object, node.value);
  return node;
}

function ticks(object, scope, label, kind) {
  const initial = kind === "radio" ? object.initial_option?.value : object.initial_options?.map((o) => o.value);
  const held = scope.held(object) ?? initial ?? (kind === "radio" ? null : []);
  scope.enter(object, held);
  const name = newId("ticks");
  const boxes = object.options.map((option) => {
    const box = el("input", { type: kind, value: option.value });
    box.name = name;
    box.checked = kind === "radio" ? held === option.value : held.includes(option.value);
    const hint = option.description ? el("span", { className: "small" }, ` ${option.description.text}`) : "";
    return el("label", { className: "tick" }, box, el("span", {}, scope.text(option.text), hint));
  });
  const node = el("div", { className: "ticks", role: kind === "radio" ? "radiogroup" : "group",
    "aria-label": label || object.action_id }, boxes);
  node.addEventListener("change", async () => {
    const ticked = [...node.querySelectorAll("input:checked")].map((box) => box.value);
    const entry = kind === "radio" ? ticked[0] ?? null : ticked;
    if (object.confirm && !(await confirmed(object.confirm))) return;
    scope.enter(object, entry);
    scope.chosen(object, entry);
  });
  return node;
}

const localOptions = (object) => {
  const groups = object.option_groups?.flatMap((group) =>
    group.options.map((option) => ({ ...option, group: group.label.text })));
  const all = object.options ?? groups;
  return (typed) => all.filter((option) => option.text.text.toLowerCase().includes(typed.toLowerCase()));
};

const remoteOptions = (object, scope) => async (typed) =>
  typed.length < (object.min_query_length ?? 3) ? null : scope.suggest(object, typed);

// A field that offers options while one types: by mouse, or by the arrow keys and Enter.
function combobox(object, label, source, take) {
  const list = el("ul", { role: "listbox", id: newId("offers"), className: "offers", hidden: true,
    "aria-label": `${label}: what it may be` });
  const field = el("input", { role: "combobox", autocomplete: "off", "aria-expanded": "false",
    "aria-controls": list.id, "aria-autocomplete": "list", placeholder: object.placeholder?.text ?? "" });
  if (object.focus_on_load) field.autofocus = true;
  let offered = [];
  let marked = -1;
  let asked = 0;
  const unmark = () => {
    marked = -1;
    field.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    asked += 1;
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    unmark();
  };
  const mark = (place) => {
    marked = (place + offered.length) % offered.length;
    [...list.querySelectorAll("[role=option]")].forEach((node, number) => {
      node.setAttribute("aria-selected", number === marked);
      if (number !== marked) return;
      field.setAttribute("aria-activedescendant", node.id);
      node.scrollIntoView({ block: "nearest" });
    });
  };
  const offer = async (typed) => {
    const mine = ++asked;
    const found = await source(typed);
    if (mine !== asked || !field.isConnected) return; // more was typed meanwhile
    const before = offered[marked]?.value;
    offered = found ?? [];
    unmark();
    if (found === null) return close();
    let group = null;
    const rows = offered.flatMap((option, number) => {
      const row = el("li", { role: "option", id: `${list.id}-${number}`, "aria-selected": "false",
        onmousedown: (event) => { event.preventDefault(); take(option); close(); } },
        option.text.text, option.description ? el("span", { className: "small" }, option.description.text) : "");
      const head = option.group && option.group !== group
        ? [el("li", { role: "presentation", className: "group" }, option.group)] : [];
      group = option.group;
      return [...head, row];
    });
    list.replaceChildren(...(rows.length ? rows
      : [el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "No results")]));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    const still = offered.findIndex((option) => option.value === before);
    if (still >= 0) mark(still); // chosen with the arrow keys while this answer was on its way
  };
  field.addEventListener("input", () => offer(field.value));
  field.addEventListener("focus", () => field.select());
  field.addEventListener("click", () => { if (list.hidden) offer(""); });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) await offer("");
      if (offered.length) mark(marked + (event.key === "ArrowDown" ? 1 : marked < 0 ? 0 : -1));
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      const option = offered[marked] ?? (offered.length === 1 ? offered[0] : null);
      if (option) { take(option); close(); }
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  return { field, list };
}

function picker(object, scope, label, source) {
  let chosen = scope.held(object) ?? object.initial_option?.value ?? null;
  let shown = scope.heldText(object) ?? object.initial_option?.text.text ?? "";
  scope.enter(object, chosen, shown);
  const { field, list } = combobox(object, label, source, async (option) => {
    if (object.confirm && !(await confirmed(object.confirm))) return;
    [chosen, shown] = [option.value, option.text.text];
    field.value = shown;
    scope.enter(object, chosen, shown);
    scope.chosen(object, chosen);
  });
  field.value = shown;
  if (!scope.labelled) field.setAttribute("aria-label", label);
  field.addEventListener("input", () => { chosen = null; scope.enter(object, null, ""); });
  field.addEventListener("blur", () => { if (!chosen) field.value = ""; });
  return el("div", { className: "picker", "data-action": object.action_id }, field, list);
}

function severalPicker(object, scope, label, source) {
  const chosen = new Map((scope.heldText(object) ?? object.initial_options ?? []).map((o) => [o.value, o]));
  const chips = el("ul", { className: "chips", "aria-label": `${label}: chosen` });
  const keep = () => {
    chips.replaceChildren(...[...chosen.values()].map((option) => el("li", {}, option.text.text,
      el("button", { type: "button", "aria-label": `Remove ${option.text.text}`,
        onclick: () => { chosen.delete(option.value); changed(); field.focus(); } }, "×"))));
    scope.enter(object, [...chosen.keys()], [...chosen.values()]);
  };
  const changed = () => { keep(); scope.chosen(object, [...chosen.keys()]); };
  const { field, list } = combobox(object, label, source, (option) => {
    if (chosen.size >= (object.max_selected_items ?? 100)) return;
    chosen.set(option.value, option);
    field.value = "";
    changed();
  });
  if (!scope.labelled) field.setAttribute("aria-label", label);
  keep();
  return el("div", { className: "picker", "data-action": object.action_id }, chips, field, list);
}
