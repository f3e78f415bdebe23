// The guided tour: six steps, each done when it has really happened.

import { $, el } from "./dom.js";
import { place } from "./place.js";
import { channelOf, look, on, send, world } from "./world.js";

const done = new Set();
let shown = 0;

const messages = () => [...world.messages.values()].flatMap((all) => [...all.values()]);
const actionsOf = (message) => message.blocks.flatMap((block) =>
  [...(block.elements ?? []), block.accessory ?? {}].map((each) => each.action_id ?? ""));
const isShown = (test) => messages().some((message) => actionsOf(message).some(test));
const first = (...names) => world.people.find((each) => names.some((name) => each.name === name));

const STEPS = [
  {
    title: "Ask what is possible",
    who: () => first("alice"),
    words: "You are Alice, an account manager. Type /upgrade contoso and press Enter. Only you see the answer.",
    target: () => $("text").closest(".field"),
    help: () => { $("text").value = "/upgrade contoso"; $("text").focus(); },
    isDone: () => isShown((action) => action.startsWith("choose_option")),
  },
  {
    title: "Choose and explain",
    who: () => first("alice"),
    words: "Press Office 365 Enterprise E3 (upgrade only), write why the customer needs it, and press “Ask the team”. Nothing is ordered yet: the request becomes one card in the channel.",
    target: () => document.querySelector("[data-action^=choose_option]"),
    isDone: () => isShown((action) => action === "approve"),
  },
  {
    title: "Try to approve it yourself",
    who: () => first("alice"),
    words: "Press Approve on your own request, and say yes. The bot refuses, privately: somebody else has to approve.",
    target: () => document.querySelector("[data-action=approve]"),
  },
  {
    title: "Approve it as Carol",
    who: () => first("carol"),
    words: "Speak as Carol, who may approve, and press Approve. Or open a second window for her and see both sides at once.",
    target: () => (first("carol")?.id === world.me ? document.querySelector("[data-action=approve]") : $("person")),
    isDone: () => isShown((action) => action === "upgrade_now"),
  },
  {
    title: "Upgrade, once",
    who: () => first("alice"),
    words: "As Alice again: press Upgrade now and confirm. This is the click that would spend money. Here it is practice.",
    target: () => (first("alice")?.id === world.me ? document.querySelector("[data-action=upgrade_now]") : $("person")),
    isDone: () => world.exchanges.some((each) => each.kind === "partner_center" && each.method === "POST" && each.status === 200),
  },
  {
    title: "Read the result",
    who: () => first("alice"),
    words: "Open the replies below the card: the request's whole history. Then look into the Inspector, and break something with the Switches.",
    target: () => document.querySelector("[data-thread]"),
    isDone: () => Boolean(place.thread && place.channel && channelOf(place.channel).get(place.thread)?.user === world.bot),
  },
];

function follow() {
  STEPS.forEach((step, number) => {
    const isNext = [...Array(number).keys()].every((each) => done.has(each));
    if (isNext && step.isDone?.()) done.add(number);
  });
  sessionStorage.setItem(`tour ${world.url}`, JSON.stringify([...done]));
  show();
}

function show() {
  const next = STEPS.findIndex((_, number) => !done.has(number));
  if (next !== shown) shown = next;
  for (const node of document.querySelectorAll(".pointed-at")) node.classList.remove("pointed-at");
  $("steps").replaceChildren(...STEPS.map((step, number) => {
    const isNow = number === next;
    const state = done.has(number) ? "done" : isNow ? "now" : "";
    return el("li", { className: state, "aria-current": isNow ? "step" : null },
      el("strong", {}, step.title), done.has(number) ? el("span", { className: "hidden" }, " (done)") : "",
      isNow ? el("p", {}, step.words) : "", isNow ? help(step) : "");
  }));
  $("tour-end").hidden = next >= 0;
  $("tour-progress").textContent = next < 0 ? "All six steps are done." : `Step ${next + 1} of ${STEPS.length}`;
  if (next >= 0 && !$("guide").hidden && $("tools").offsetParent) STEPS[next].target()?.classList.add("pointed-at");
}

function help(step) {
  const who = step.who();
  const isMe = !who || who.id === world.me;
  return el("p", { className: "row" },
    isMe ? "" : el("button", { type: "button", className: "button primary", onclick: () => look(who.id) },
      `Speak as ${who.real_name.split(" ")[0]}`),
    isMe && step.help ? el("button", { type: "button", className: "button", onclick: step.help }, "Type it for me") : "",
    isMe && !step.help ? el("button", { type: "button", className: "button", onclick: () => {
      const node = step.target();
      node?.scrollIntoView({ block: "center" });
      node?.focus();
    } }, "Show me where") : "");
}

export function begin() {
  on("state", () => {
    for (const number of JSON.parse(sessionStorage.getItem(`tour ${world.url}`) ?? "[]")) done.add(number);
    if (!messages().length) done.clear();
    follow();
  });
  on("used", (element, message) => {
    if (element.action_id === "approve" && done.has(1) && messageIsOfMine(message)) done.add(2);
    follow();
  });
  for (const kind of ["message", "exchange", "place", "views", "tools"]) on(kind, () => setTimeout(follow));
  $("again").addEventListener("click", async () => {
    done.clear();
    await send("reset");
  });
}

const messageIsOfMine = (message) => JSON.stringify(message.blocks).includes(`<@${world.me}>`);
