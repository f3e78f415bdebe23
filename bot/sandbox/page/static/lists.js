// Messages one below the other: a channel, or a thread. Only what has changed is made anew.

import { arrange, el } from "./dom.js";
import { time } from "./mrkdwn.js";
import { at, render } from "./message.js";

const AT_FIRST = 100;
const GROUPED_WITHIN = 300;

export class MessageList {
  constructor(container, options = {}) {
    this.container = container;
    this.options = options;
    this.begin();
    container.addEventListener("scroll", () => {
      if (container.scrollTop < 300 && this.hidden > 0) this.showEarlier();
    }, { passive: true });
    container.addEventListener("keydown", (event) => this.move(event));
  }

  // Of another channel: nothing that was shown stays.
  begin() {
    this.nodes = new Map();
    this.most = AT_FIRST;
    this.hidden = 0;
    this.all = [];
    this.container.replaceChildren();
  }

  // `stale`: messages that have to be made anew though they are the same, such as for new replies.
  show(messages, { newFrom = null, follow = false, stale = [] } = {}) {
    const box = this.container;
    const atEnd = follow || box.scrollHeight - box.scrollTop - box.clientHeight < 120 || !this.all.length;
    const focused = this.focus();
    this.all = messages;
    this.newFrom = newFrom;
    for (const ts of stale) this.nodes.delete(ts);
    this.fill();
    if (atEnd) this.toEnd();
    this.refocus(focused);
  }

  fill() {
    const shown = this.all.slice(-this.most);
    this.hidden = this.all.length - shown.length;
    const rows = [];
    let before = null;
    for (const message of shown) {
      const day = new Date(at(message.ts) * 1000).toDateString();
      const isNewDay = day !== (before && new Date(at(before.ts) * 1000).toDateString());
      const isFirstNew = message.ts === this.newFrom;
      if (isNewDay && !this.options.inThread) rows.push(this.row(`day ${day}`, null, () => divider(dayName(message), "day")));
      if (isFirstNew) rows.push(this.row(`new ${message.ts}`, null, () => divider("New", "new")));
      const node = this.row(message.ts, message, () => render(message, this.options));
      const goesOn = before && !isNewDay && !isFirstNew && before.user === message.user && !message.only_for
        && !before.only_for && at(message.ts) - at(before.ts) < GROUPED_WITHIN && !message.blocks.length;
      node.classList.toggle("goes-on", Boolean(goesOn));
      rows.push(node);
      before = message;
    }
    const kept = new Set(rows);
    for (const [key, { node }] of this.nodes) if (!kept.has(node)) this.nodes.delete(key);
    const last = rows.findLast((node) => node.matches("article"));
    for (const node of rows) if (node.matches("article")) node.tabIndex = node === last ? 0 : -1;
    arrange(this.container, rows);
  }

  row(key, message, make) {
    const there = this.nodes.get(key);
    if (there && there.message === message) return there.node;
    const node = make();
    this.nodes.set(key, { message, node });
    return node;
  }

  // Twice, because heights out of view are guesses until something is looked at.
  toEnd() {
    const { container: box } = this;
    box.scrollTop = box.scrollHeight;
    const mine = this.moved = {};
    requestAnimationFrame(() => { if (mine === this.moved) box.scrollTop = box.scrollHeight; });
  }

  showEarlier() {
    const box = this.container;
    const below = box.scrollHeight - box.scrollTop;
    this.most += 100;
    this.fill();
    box.scrollTop = box.scrollHeight - below;
  }

  // Bring a message into view, however long ago it was.
  reveal(ts) {
    const place = this.all.findIndex((message) => message.ts === ts);
    if (place < 0) return;
    this.most = Math.max(this.most, this.all.length - place + 10);
    this.fill();
    this.moved = null;
    const { node } = this.nodes.get(ts);
    node.scrollIntoView({ block: "center" });
    node.classList.add("target");
    node.focus({ preventScroll: true });
  }

  // What has the focus, so that it is not lost when its message is made anew.
  focus() {
    const active = document.activeElement;
    const article = active?.closest("article");
    if (!article || !this.container.contains(article)) return null;
    return { ts: article.dataset.ts, action: active.dataset.action, thread: active.dataset.thread };
  }

  refocus(focused) {
    if (!focused || this.container.contains(document.activeElement)) return;
    const node = this.nodes.get(focused.ts)?.node;
    const same = focused.action ? node?.querySelector(`[data-action="${CSS.escape(focused.action)}"]`)
      : focused.thread ? node?.querySelector("[data-thread]") : null;
    (same ?? node)?.focus({ preventScroll: true });
  }

  move(event) {
    const article = document.activeElement?.closest("article");
    if (document.activeElement !== article || !article) return;
    const all = [...this.container.querySelectorAll("article")];
    const here = all.indexOf(article);
    const to = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[Math.max(0, Math.min(to, all.length - 1))].focus();
    } else if (event.key === "ArrowRight" || event.key === "t") {
      event.preventDefault();
      article.querySelector("[data-thread], .tools button")?.click();
    }
  }
}

function divider(words, kind) {
  return el("div", { className: `divider ${kind}`, role: "separator", "aria-label": words }, el("span", {}, words));
}

function dayName(message) {
  const when = new Date(at(message.ts) * 1000);
  const day = (moment) => new Date(moment).toDateString();
  if (day(when) === day(time.now())) return "Today";
  if (day(when) === day(time.now() - 86_400_000)) return "Yesterday";
  return when.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}
