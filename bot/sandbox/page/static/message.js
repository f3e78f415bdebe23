// One message, as its readers see it.

import { blocks } from "./blocks.js";
import { clockTime, el, menu } from "./dom.js";
import { mrkdwn, unescaped } from "./mrkdwn.js";
import { place } from "./place.js";
import { channelOf, person, send, tell, world } from "./world.js";

const held = new Map(); // what the elements of a message hold, until it is edited

export function at(ts) {
  return Number(ts.split(".")[0]);
}

export function author(message) {
  if (!message.user) return { name: "Slackbot", hue: "slackbot", isApp: false };
  const who = person(message.user);
  const isApp = message.user === world.bot;
  const hue = [...message.user].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 8, 0);
  return { name: isApp ? who.name : who?.real_name.replace(/ \(.*\)$/, "") ?? message.user, hue, isApp };
}

export function avatar({ name, hue, isApp }) {
  const letters = name.split(/[ .-]/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
  return el("span", { className: `avatar ${isApp ? "app" : `hue-${hue}`}`, "aria-hidden": "true" }, isApp ? "⇧" : letters);
}

export function render(message, { inThread = false } = {}) {
  const who = author(message);
  const node = el("article", { className: "message", tabindex: "-1", "data-ts": message.ts,
    "aria-label": `${who.name}, ${clockTime(at(message.ts))}` });
  node.classList.toggle("private", Boolean(message.only_for));
  const body = el("div", { className: "content" });
  if (message.only_for) body.append(el("div", { className: "only" }, "Only visible to you"));
  if (message.broadcast && !inThread) body.append(el("div", { className: "only" }, "replied to a thread"));
  body.append(el("div", { className: "head" },
    el("span", { className: "who" }, who.name),
    who.isApp ? el("span", { className: "badge" }, "APP") : "",
    who.isApp ? el("span", { className: "practice-tag" }, "PRACTICE") : "",
    el("a", { className: "at", href: permalink(message) },
      el("time", { dateTime: new Date(at(message.ts) * 1000).toISOString() }, clockTime(at(message.ts))))));
  body.append(content(message));
  for (const file of message.files) body.append(fileCard(file));
  if (!inThread) body.append(replies(message));
  node.append(avatar(who), body, toolbar(message, inThread));
  return node;
}

function content(message) {
  if (!message.blocks.length) {
    const words = el("div", { className: "block text" }, message.text ? mrkdwn(message.text, world.names) : "");
    if (message.edited) words.append(el("span", { className: "small" }, " (edited)"));
    return words;
  }
  const key = `${message.channel}/${message.ts}/${message.blocks.map((block) => block.block_id).join()}`;
  if (!held.has(key)) held.set(key, { given: {}, texts: {} });
  const where = { channel: message.channel, ts: message.ts };
  const { given, texts } = held.get(key);
  return el("div", { className: "blocks" }, blocks(message.blocks, {
    names: world.names, given, texts,
    act: async (element, entry) => {
      tell("used", element, message);
      await send("use", { ...where, block: element.block_id, action: element.action_id, entry, given });
    },
    suggest: (element, typed) =>
      send("suggest", { ...where, block: element.block_id, action: element.action_id, typed }),
  }));
}

function fileCard(file) {
  const url = `/api/files/${file.id}?as=${world.me}`;
  const preview = el("pre", { tabindex: "0", "aria-label": `The beginning of ${file.name}` });
  const isText = /\.(csv|txt|json|md|log)$/i.test(file.name);
  return el("div", { className: "file" },
    el("span", { "aria-hidden": "true", className: "file-icon" }, "📄"),
    el("div", {}, el("div", { className: "who" }, file.title || file.name),
      el("div", { className: "small" }, `${file.name} · ${size(file.size)}`)),
    el("a", { className: "button", href: url, download: file.name }, "Download"),
    isText ? el("details", { ontoggle: async (event) => {
      if (!event.target.open || preview.textContent) return;
      preview.textContent = (await (await fetch(url)).text()).split("\n").slice(0, 25).join("\n");
    } }, el("summary", {}, "Preview"), preview) : "");
}

const size = (bytes) => (bytes < 1024 ? `${bytes} bytes` : `${Math.ceil(bytes / 1024)} kB`);

function replies(message) {
  const all = [...channelOf(message.channel).values()].filter((each) => each.thread_ts === message.ts);
  const node = el("div", { className: "replies" });
  if (!all.length) return node;
  const faces = [...new Map(all.map((each) => [each.user, avatar(author(each))])).values()].slice(0, 4);
  node.append(el("button", { type: "button", "data-thread": message.ts, onclick: () => place.openThread(message.ts) },
    el("span", { className: "faces", "aria-hidden": "true" }, faces),
    el("strong", {}, `${all.length} ${all.length === 1 ? "reply" : "replies"}`),
    el("span", { className: "small" }, `Last reply ${clockTime(at(all.at(-1).ts))}`)));
  return node;
}

function toolbar(message, inThread) {
  const bar = el("div", { className: "tools" });
  if (!inThread && !message.only_for) {
    bar.append(el("button", { type: "button", "aria-label": "Reply in thread",
      onclick: () => place.openThread(message.ts, true) }, "💬"));
  }
  bar.append(el("button", { type: "button", "aria-label": "More actions", "aria-haspopup": "menu",
    onclick: ({ currentTarget }) => menu(currentTarget, [
      { words: "Copy link", act: () => navigator.clipboard?.writeText(permalink(message)) },
      { words: "Copy text", act: () => navigator.clipboard?.writeText(unescaped(message.text)) },
      ...(message.only_for ? [] : world.app.shortcuts.filter((each) => each.type === "message").map((each) => ({
        words: each.name, hint: each.description,
        act: () => send("shortcut", { channel: message.channel, ts: message.ts, callback_id: each.callback_id }),
      }))),
    ]) }, "⋯"));
  return bar;
}

export function permalink(message) {
  return `${location.origin}/archives/${message.channel}/p${message.ts.replace(".", "")}`;
}

export function mentionsMe(message) {
  const said = message.text + JSON.stringify(message.blocks);
  return said.includes(`<@${world.me}>`) && message.user !== world.me;
}
