// What this person has not seen yet: marks, counts, and a notice for what is meant for them.

import { $, el } from "./dom.js";
import { author, mentionsMe } from "./message.js";
import { words } from "./mrkdwn.js";
import { place } from "./place.js";
import { channelName, channelOf, on, world } from "./world.js";

const KEY = () => `seen ${world.url} ${world.bot} ${world.me}`;
const MOST = 2;
const STAYS = 7000;
let seen = {};
let marks = {};

const isMine = (message) => message.user === world.me || message.only_for;

export const unread = {
  firstNew: (channel) => marks[channel] ?? null,

  count(channel) {
    const since = seen[channel] ?? "0";
    const all = [...channelOf(channel).values()].filter((each) => each.ts > since && !isMine(each));
    return { all: all.length, forMe: all.filter((each) => isForMe(each)).length };
  },
};

const isForMe = (message) => mentionsMe(message)
  || world.channels.find((each) => each.id === message.channel)?.is_im;

function leave() {
  const newest = [...channelOf(place.channel).keys()].at(-1);
  if (newest) seen[place.channel] = newest;
  sessionStorage.setItem(KEY(), JSON.stringify(seen));
}

// Where the first new message is, when one comes to a channel.
function mark() {
  const since = seen[place.channel];
  const first = since && [...channelOf(place.channel).values()].find((each) =>
    each.ts > since && !isMine(each) && !each.thread_ts);
  marks = { [place.channel]: first?.ts };
  leave();
}

function notice(message) {
  const { name } = author(message);
  const channel = world.channels.find((each) => each.id === message.channel);
  const node = el("button", { type: "button", className: "notice", onclick: () => {
    node.remove();
    place.go(message.channel, { thread: message.thread_ts, target: message.ts });
  } }, el("strong", {}, `${name} in ${channelName(channel)}`),
  el("span", {}, words(message.text, world.names).slice(0, 140)));
  $("notices").append(node);
  while ($("notices").children.length > MOST) $("notices").firstChild.remove();
  setTimeout(() => node.remove(), STAYS);
}

function isInView(message) {
  if (document.hidden || message.channel !== place.channel || place.isHome) return false;
  return message.thread_ts ? message.thread_ts === place.thread : true;
}

export function begin() {
  on("state", () => {
    seen = JSON.parse(sessionStorage.getItem(KEY()) ?? "{}");
    for (const { id } of world.channels) seen[id] ??= [...channelOf(id).keys()].at(-1) ?? "0";
  });
  on("place", (what) => { if (what === "channel") mark(); });
  on("message", (message, isNew) => {
    if (isNew && !isMine(message) && !isInView(message) && isForMe(message)) notice(message);
    if (message.channel === place.channel && !document.hidden && !place.isHome) leave();
  });
  addEventListener("focus", () => { if (place.channel) leave(); });
}
