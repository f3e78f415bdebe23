// Behind the scenes: what passes between Slack, the bot and Partner Center.

import { $, arrange, clockTime, el } from "./dom.js";
import { on, world } from "./world.js";

const KINDS = { payload: "Slack → bot", web_api: "bot → Slack", response_url: "bot → Slack",
  partner_center: "bot → Microsoft", sign_in: "bot → sign-in" };
const LATE = 3000;
const SHOWN = 200;
const rows = new Map();
let opened = null;

function isWanted(exchange) {
  const kind = $("filter-kind").value;
  const words = $("filter-words").value.toLowerCase();
  const bySide = !kind || KINDS[exchange.kind] === kind || (kind === "failed" && exchange.failed);
  return bySide && `${exchange.name} ${exchange.status}`.toLowerCase().includes(words);
}

function verdict(exchange) {
  if (exchange.took_ms === null) return "…";
  const took = `${exchange.took_ms < 10 ? exchange.took_ms.toFixed(1) : Math.round(exchange.took_ms)} ms`;
  if (exchange.kind !== "payload") return `${exchange.status} in ${took}`;
  return exchange.failed ? `${exchange.status} after ${took}` : `acknowledged in ${took}`;
}

function row(exchange) {
  const there = rows.get(exchange.number);
  if (there?.exchange === exchange) return there.node;
  const late = exchange.kind === "payload" && exchange.took_ms > LATE;
  const node = el("li", {}, el("button", { type: "button", "data-number": exchange.number,
    "aria-expanded": String(opened === exchange.number),
    className: `exchange ${exchange.failed || late ? "bad" : ""}`, onclick: () => open(exchange.number) },
  el("span", { className: `kind ${exchange.kind}` }, KINDS[exchange.kind]),
  el("span", { className: "name" }, exchange.name),
  el("span", { className: "verdict" }, verdict(exchange)),
  el("time", { className: "small" }, clockTime(exchange.at))));
  if (there && there.node.querySelector(".details")) node.append(there.node.querySelector(".details"));
  rows.set(exchange.number, { exchange, node });
  return node;
}

function show() {
  if ($("inspector").hidden) return;
  const wanted = world.exchanges.filter(isWanted).slice(-SHOWN).reverse();
  const focused = document.activeElement?.dataset.number;
  arrange($("exchanges"), wanted.map(row));
  if (focused) document.querySelector(`[data-number="${focused}"]`)?.focus({ preventScroll: true });
  $("no-exchanges").hidden = wanted.length > 0;
}

async function open(number) {
  const { node } = rows.get(number);
  const button = node.querySelector("button");
  const there = node.querySelector(".details");
  if (there) {
    there.remove();
    button.setAttribute("aria-expanded", "false");
    opened = null;
    return;
  }
  opened = number;
  button.setAttribute("aria-expanded", "true");
  const answer = await fetch(`/api/exchanges/${number}`);
  const exchange = await answer.json();
  rows.get(number).node.append(details(exchange));
}

function details(exchange) {
  const facts = [];
  const { trigger, response_url: response } = exchange.left;
  if (trigger) facts.push(`trigger: ${trigger.used ? "used" : "not used"}, ${age(trigger.age_seconds)} old (good for 3 s)`);
  if (response) facts.push(`response URL: ${response.uses} of 5 uses left, ${age(response.age_seconds)} old (good for 30 min)`);
  const request = exchange.headers["MS-RequestId"];
  if (request) facts.push(`MS-RequestId ${request}`);
  const more = Object.keys(exchange.more).length ? json("Envelope", exchange.more) : "";
  return el("div", { className: "details" },
    el("div", { className: "small" }, `${exchange.method} ${exchange.url}`),
    facts.map((fact) => el("div", { className: "fact" }, fact)),
    el("button", { type: "button", className: "button small-button", onclick: async ({ currentTarget }) => {
      await navigator.clipboard.writeText(exchange.curl);
      currentTarget.textContent = "Copied";
    } }, "Copy as curl"),
    more, json(exchange.kind === "payload" ? "Payload" : "Sent", exchange.sent),
    json(exchange.kind === "payload" ? "Acknowledgement" : "Answer", exchange.answered));
}

const age = (seconds) => (seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`);

function json(title, value) {
  const words = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return el("details", { open: true }, el("summary", {}, title), el("pre", { tabindex: "0" }, words ?? ""));
}

export function begin() {
  on("state", () => { rows.clear(); show(); });
  on("exchange", show);
  on("tools", show);
  $("filter-words").addEventListener("input", show);
  $("filter-kind").addEventListener("change", show);
}
