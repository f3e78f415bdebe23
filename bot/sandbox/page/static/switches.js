// Troubles, time, and the bot's life.

import { $, el } from "./dom.js";
import { on, send, world } from "./world.js";

const TIMES = [["1", "1 hour", "the look after an upgrade"], ["2", "2 hours", "the first reminder"],
  ["24", "1 day", "a request expires"], ["168", "1 week", ""]];

function show() {
  const ahead = Math.round(world.seconds_ahead / 3600);
  $("running").textContent = world.running ? "The bot is running." : "The bot is stopped.";
  $("running").classList.toggle("bad", !world.running);
  $("clock").textContent = ahead ? `+ ${ahead >= 48 ? `${Math.floor(ahead / 24)} days` : `${ahead} h`}` : "";
  $("clock").hidden = !ahead;
  const broken = Object.keys(world.thrown).length;
  $("broken").hidden = !broken;
  $("broken").textContent = broken === 1 ? "1 trouble" : `${broken} troubles`;
  for (const node of $("switches").querySelectorAll("select")) {
    node.value = world.thrown[node.dataset.switch] ?? "";
    node.closest(".switch").classList.toggle("on", Boolean(world.thrown[node.dataset.switch]));
  }
  $("stop").hidden = !world.running;
  $("start").hidden = world.running;
}

function build() {
  const sides = [...new Set(world.switches.map((each) => each.side))];
  $("troubles").replaceChildren(...sides.map((side) => el("fieldset", {}, el("legend", {}, `Trouble at ${side}`),
    world.switches.filter((each) => each.side === side).map(one))));
  $("times").replaceChildren(...TIMES.map(([hours, words, hint]) => el("button", { type: "button", className: "button",
    onclick: () => during(send("clock", { hours: Number(hours) })) }, words, hint ? el("span", { className: "small" }, ` ${hint}`) : "")));
  show();
}

function one(each) {
  const id = `switch-${each.id}`;
  const select = el("select", { id, "data-switch": each.id, "aria-describedby": `${id}-help`,
    onchange: (event) => during(send("switch", { switch: each.id, choice: event.target.value })) },
  el("option", { value: "" }, "Off"), each.choices.map(([value, words]) => el("option", { value }, words)));
  return el("div", { className: "switch" }, el("label", { for: id }, each.label), select,
    el("div", { className: "small", id: `${id}-help` }, each.help));
}

async function during(doing) {
  document.body.classList.add("busy");
  try {
    await doing;
  } finally {
    document.body.classList.remove("busy");
    show();
  }
}

export function begin() {
  on("state", build);
  on("around", show);
  for (const what of ["stop", "start", "restart"]) $(what).addEventListener("click", () => during(send(what)));
  $("calm").addEventListener("click", () => during(send("calm")));
  $("reset").addEventListener("click", async () => {
    if (!confirm("Begin anew? Messages, requests and upgrades of this practice workspace go.")) return;
    await during(send("reset"));
  });
}
