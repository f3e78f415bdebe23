// Where one writes: with the app's commands offered while one types, and the hint how they are used.

import { $, el } from "./dom.js";
import { follow } from "./channel.js";
import { place } from "./place.js";
import { on, send, tell, world } from "./world.js";

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 160)}px`;
}

// `thread`: a reply goes to the thread that is open.
function write(form, field, { thread = false } = {}) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    field.dispatchEvent(new Event("input"));
    follow();
    tell("typed", text);
    await send("type", { channel: place.channel, text, ...(thread ? { thread_ts: place.thread } : {}) });
  });
  field.addEventListener("input", () => grow(field));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.defaultPrevented) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

function complete(field, list, hint) {
  let marked = 0;
  let offered = [];
  const show = () => {
    const text = field.value;
    const command = world.app.commands.find((each) => text === each.command || text.startsWith(`${each.command} `));
    hint.textContent = command && text.trim() !== "" ? `${command.command}  ${command.usage_hint}` : "";
    offered = /^\/\S*$/.test(text) && !(command && text === command.command && !list.dataset.keep)
      ? world.app.commands.filter((each) => each.command.startsWith(text)) : [];
    marked = Math.min(marked, Math.max(0, offered.length - 1));
    list.hidden = !offered.length;
    field.removeAttribute("aria-activedescendant");
    list.replaceChildren(...offered.map((each, place) => el("li", { role: "option", id: `command-${place}`,
      "aria-selected": String(place === marked), onmousedown: (event) => { event.preventDefault(); take(each); } },
    el("strong", {}, each.command), el("span", { className: "usage" }, each.usage_hint), el("span", { className: "small" }, each.description))));
    if (offered.length) field.setAttribute("aria-activedescendant", `command-${marked}`);
  };
  const take = (command) => {
    field.value = `${command.command} `;
    show();
    field.focus();
  };
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      marked = (marked + step + offered.length) % offered.length;
      show();
    } else if (event.key === "Tab" || (event.key === "Enter" && field.value !== offered[marked].command)) {
      event.preventDefault();
      take(offered[marked]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      list.hidden = true;
      field.removeAttribute("aria-activedescendant");
    }
  });
}

export function begin() {
  complete($("text"), $("commands"), $("hint")); // first: Enter takes what is offered before it sends
  write($("composer"), $("text"));
  write($("reply-form"), $("reply"), { thread: true });
  on("place", (what) => {
    const channel = world.channels.find((each) => each.id === place.channel);
    $("text").placeholder = channel && !channel.is_im ? `Message #${channel.name}, or /upgrade` : "Message";
    if (what === "channel" && matchMedia("(hover: hover)").matches && !place.target) $("text").focus();
  });
}
