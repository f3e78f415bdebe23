// Making nodes. Text from outside only ever becomes a text node.

const ATTRIBUTES = /^(role|aria-|data-|for$|href$|target$|rel$|type$|list$|download$|tabindex$|popover$|colspan$)/;

// `el("button", { className: "primary", "aria-label": "Close", onclick: close }, "×")`
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (ATTRIBUTES.test(key)) node.setAttribute(key, value === true ? "" : value);
    else node[key] = value;
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// Make the children of `parent` these nodes; those that are there already stay as they are.
export function arrange(parent, nodes) {
  nodes.forEach((node, place) => {
    if (parent.childNodes[place] !== node) parent.insertBefore(node, parent.childNodes[place] ?? null);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}

let last = 0;
export const newId = (prefix) => `${prefix}-${++last}`;

export const $ = (id) => document.getElementById(id);

export function clockTime(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { timeStyle: "short" });
}

// Show a little list of actions below a button. It closes by itself.
export function menu(button, entries) {
  const box = el("div", { className: "menu", popover: "auto", role: "menu" }, entries.map(({ words, hint, act }) =>
    el("button", { type: "button", role: "menuitem", onclick: () => { box.hidePopover(); act(); } },
      words, hint ? el("span", { className: "small" }, hint) : "")));
  document.body.append(box);
  box.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    box.remove();
    button.focus();
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...box.children];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  box.showPopover();
  const below = button.getBoundingClientRect();
  box.style.left = `${Math.max(8, Math.min(below.left, innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${Math.min(below.bottom + 4, innerHeight - box.offsetHeight - 8)}px`;
  box.firstChild?.focus();
}
