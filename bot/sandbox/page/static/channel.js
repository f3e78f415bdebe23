// The middle and the right: a channel with its messages, the app's Home tab, a thread.

import { blocks } from "./blocks.js";
import { $, el } from "./dom.js";
import { MessageList } from "./lists.js";
import { place } from "./place.js";
import { channelName, channelOf, on, send, tell, world } from "./world.js";
import { unread } from "./unread.js";

const main = new MessageList($("messages"));
const thread = new MessageList($("replies"), { inThread: true });
let followOwn = false;

// The next thing that is shown is wanted in view: this person has just sent something.
export function follow() {
  followOwn = true;
}

function inChannel() {
  const all = [...channelOf(place.channel).values()];
  return all.filter((message) => !message.thread_ts || message.broadcast || (message.only_for && !shownInThread(message)));
}

const shownInThread = (message) => channelOf(message.channel).has(message.thread_ts);

export function showChannel({ anew = false, stale = [] } = {}) {
  const channel = world.channels.find((each) => each.id === place.channel);
  if (!channel) return;
  if (anew) {
    main.begin();
    showTitle(channel);
  }
  $("home").hidden = !place.isHome;
  $("conversation").hidden = place.isHome;
  if (place.isHome) return showHome();
  const newFrom = unread.firstNew(place.channel);
  main.show(inChannel(), { follow: followOwn, newFrom, stale });
  $("empty").hidden = main.all.length > 0;
  if (anew && newFrom) main.container.querySelector(".divider.new")?.scrollIntoView({ block: "center" });
  if (place.target) {
    const [target] = [place.target];
    place.target = null;
    (place.thread && place.thread !== target ? thread : main).reveal(target);
  }
}

function showTitle(channel) {
  $("channel-name").textContent = channel.is_im ? "upgrade-bot" : `${channel.is_private ? "🔒" : "#"} ${channel.name}`;
  $("channel-about").textContent = channel.is_im ? "App" : `${channel.members} members${channel.is_archived ? " · archived" : ""}`;
  document.title = `${channelName(channel)} · Practice workspace`;
  $("tabs").hidden = !channel.is_im || !world.app.home_tab;
  for (const tab of $("tabs").children) tab.setAttribute("aria-selected", tab.dataset.tab === place.tab);
  const silent = channel.is_im && world.app.messages_read_only;
  $("composer").hidden = silent || channel.is_archived;
  $("silent").hidden = !silent && !channel.is_archived;
  $("silent").textContent = channel.is_archived ? "This channel is archived." : "Sending messages to this app has been turned off.";
}

function showHome() {
  const box = $("home");
  const home = world.home;
  if (!home) {
    box.replaceChildren(el("p", { className: "small" }, "This is a work in progress. The app has not published its Home tab yet."));
    return;
  }
  if (box.dataset.hash === home.hash && !home.errors[""]) return;
  box.dataset.hash = home.hash;
  const action = document.activeElement?.closest("#home") && document.activeElement.dataset.action;
  const where = (element) => ({ view: home.id, block: element.block_id, action: element.action_id });
  const given = {};
  box.replaceChildren(
    el("div", { className: "practice-line" }, el("span", { className: "practice-tag" }, "PRACTICE"), " Nothing here is real."),
    home.errors[""] ? el("div", { className: "error", role: "alert" }, home.errors[""]) : "",
    el("div", { className: "blocks" }, blocks(home.content.blocks, {
      names: world.names, given, texts: {},
      act: (element, entry) => send("use", { ...where(element), entry, given }),
      suggest: (element, typed) => send("suggest", { ...where(element), typed }),
    })));
  if (action) (box.querySelector(`[data-action="${CSS.escape(action)}"]`) ?? box).focus();
}

export function showThread({ anew = false, write = false } = {}) {
  const parent = place.thread && channelOf(place.channel).get(place.thread);
  $("thread").hidden = !parent;
  document.body.classList.toggle("with-thread", Boolean(parent));
  if (!parent) return;
  if (anew) thread.begin();
  const all = [...channelOf(place.channel).values()].filter((each) => each.thread_ts === place.thread);
  thread.show([parent, ...all], { newFrom: null, follow: followOwn });
  const channel = world.channels.find((each) => each.id === place.channel);
  $("thread-about").textContent = channelName(channel);
  if (anew && write) $("reply").focus();
  else if (anew) $("thread-title").focus();
}

export function begin() {
  on("state", () => { showChannel({ anew: true }); showThread({ anew: true }); });
  on("message", (message) => {
    if (message.channel !== place.channel) return;
    showChannel({ stale: message.thread_ts ? [message.thread_ts] : [] });
    showThread();
    if (message.only_for === world.me || message.user === world.me) followOwn = false;
  });
  on("home", () => { if (place.isHome) showHome(); });
  on("place", (what) => {
    if (what === "channel") showChannel({ anew: true });
    showThread({ anew: true, write: what === "write" });
    if (what === "closed") $("messages").querySelector("article[tabindex='0']")?.focus({ preventScroll: true });
  });
  $("close-thread").addEventListener("click", () => place.closeThread());
  $("thread").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) place.closeThread();
  });
  for (const tab of $("tabs").children) {
    tab.addEventListener("click", () => {
      place.go(place.channel, { tab: tab.dataset.tab });
      send("open_app", { tab: tab.dataset.tab });
      tell("opened");
    });
  }
}
