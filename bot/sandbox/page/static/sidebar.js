// The left: channels, and the app.

import { $, arrange, el } from "./dom.js";
import { place } from "./place.js";
import { channelName, on, send, world } from "./world.js";
import { unread } from "./unread.js";

function entry(channel) {
  const { all, forMe } = unread.count(channel.id);
  const isHere = channel.id === place.channel;
  const count = channel.is_im ? all : forMe;
  const node = el("button", { type: "button", "data-channel": channel.id, "aria-current": isHere ? "true" : null,
    className: !isHere && all ? "unread" : "", onclick: () => open(channel) },
  el("span", { className: "sign", "aria-hidden": "true" }, channel.is_im ? "⇧" : channel.is_private ? "🔒" : "#"),
  el("span", { className: "name" }, channel.is_im ? "upgrade-bot" : channel.name),
  !isHere && count ? el("span", { className: "count" }, String(count), el("span", { className: "hidden" }, " unread")) : "");
  return el("li", {}, node);
}

export function open(channel) {
  const tab = channel.is_im && world.app.home_tab ? "home" : "messages";
  place.go(channel.id, { tab });
  document.body.classList.remove("with-nav");
  if (channel.is_im) send("open_app", { tab });
}

function show() {
  const focused = document.activeElement?.dataset.channel;
  arrange($("channels"), world.channels.filter((each) => !each.is_im).map(entry));
  arrange($("apps"), world.channels.filter((each) => each.is_im).map(entry));
  if (focused) document.querySelector(`[data-channel="${focused}"]`)?.focus();
  const waiting = world.channels.reduce((sum, each) => sum + unread.count(each.id).forMe, 0);
  const here = world.channels.find((each) => each.id === place.channel);
  if (here) document.title = `${waiting ? `(${waiting}) ` : ""}${channelName(here)} · Practice workspace`;
}

export function begin() {
  for (const kind of ["state", "channels", "message", "place"]) on(kind, show);
  $("open-nav").addEventListener("click", () => {
    document.body.classList.toggle("with-nav");
    $("channels").querySelector("button")?.focus();
  });
}
