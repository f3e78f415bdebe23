// Slack's mrkdwn as DOM nodes. Text from outside only ever becomes a text node.

import { el } from "./dom.js";
import { EMOJI } from "./emoji.js";

const TOKEN = new RegExp([
  "```([^]+?)```", // a block of code
  "`([^`\\n]+)`",
  "<([^<>]+)>",
  "(?<![\\w*])\\*(?! )([^*\\n]+?)\\*(?![\\w*])",
  "(?<![\\w_])_(?! )([^_\\n]+?)_(?![\\w_])",
  "(?<![\\w~])~(?! )([^~\\n]+?)~(?![\\w~])",
  ":([\\w+'-]+):",
].join("|"), "g");

export function mrkdwn(text, names) {
  const nodes = document.createDocumentFragment();
  let quote = null;
  text.split("\n").forEach((line, number) => {
    const quoted = /^(?:&gt;|>) ?/.exec(line);
    if (quoted && !text.includes("```")) {
      if (!quote) nodes.append(quote = el("blockquote"));
      else quote.append("\n");
      quote.append(inline(line.slice(quoted[0].length), names));
    } else if (!text.includes("```")) {
      if (number && !quote) nodes.append("\n");
      quote = null;
      nodes.append(inline(line, names));
    }
  });
  return text.includes("```") ? inline(text, names) : nodes;
}

function inline(text, names) {
  const nodes = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    nodes.append(unescaped(text.slice(end, found.index)), element(found, names));
    end = found.index + found[0].length;
  }
  nodes.append(unescaped(text.slice(end)));
  return nodes;
}

function element([whole, pre, code, angle, bold, italic, struck, emoji], names) {
  if (pre !== undefined) return el("pre", {}, unescaped(pre.replace(/^\n/, "")));
  if (code !== undefined) return el("code", {}, unescaped(code));
  if (bold !== undefined) return el("strong", {}, inline(bold, names));
  if (italic !== undefined) return el("em", {}, inline(italic, names));
  if (struck !== undefined) return el("s", {}, inline(struck, names));
  if (emoji !== undefined) return document.createTextNode(EMOJI[emoji] ?? whole);
  return reference(angle, whole, names);
}

function reference(angle, whole, names) {
  const bar = angle.indexOf("|");
  const target = bar < 0 ? angle : angle.slice(0, bar);
  const label = bar < 0 ? null : angle.slice(bar + 1);
  const named = (id) => names[id] ?? label ?? id;
  if (target.startsWith("@")) return mention("@" + named(target.slice(1)), target.slice(1) === names.me);
  if (target.startsWith("#")) return mention("#" + named(target.slice(1)));
  if (target.startsWith("!subteam^")) {
    const id = target.slice("!subteam^".length);
    return mention("@" + named(id), names.mine?.includes(id));
  }
  if (target.startsWith("!date^")) return date(target.split("^"), label);
  if (target.startsWith("!")) return mention("@" + target.slice(1), true);
  if (/^(https?|mailto):/.test(target)) return link(unescaped(target), unescaped(label ?? target));
  return document.createTextNode(whole);
}

const DATES = {
  date_num: (at) => at.toLocaleDateString("sv"),
  date: (at) => at.toLocaleDateString([], { dateStyle: "long" }),
  date_short: (at) => at.toLocaleDateString([], { dateStyle: "medium" }),
  date_long: (at) => at.toLocaleDateString([], { dateStyle: "full" }),
  date_pretty: (at) => relative(at) ?? DATES.date(at),
  date_short_pretty: (at) => relative(at) ?? DATES.date_short(at),
  date_long_pretty: (at) => relative(at) ?? DATES.date_long(at),
  time: (at) => at.toLocaleTimeString([], { timeStyle: "short" }),
  time_secs: (at) => at.toLocaleTimeString([], { timeStyle: "medium" }),
};

// In the zone of whoever looks; behind the pointer the whole date with its zone.
function date([, seconds, format], fallback) {
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.valueOf())) return document.createTextNode(fallback ?? "");
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => DATES[name]?.(at) ?? whole);
  const title = at.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  return el("time", { dateTime: at.toISOString(), title }, words);
}

export const time = { now: () => Date.now() };

function relative(at) {
  const day = (when) => new Date(when).toDateString();
  const now = time.now();
  if (day(at) === day(now)) return "today";
  if (day(at) === day(now - 86_400_000)) return "yesterday";
  return day(at) === day(now + 86_400_000) ? "tomorrow" : null;
}

function link(url, label) {
  return el("a", { href: url, target: "_blank", rel: "noreferrer" }, label);
}

function mention(text, ofMe = false) {
  return el("span", { className: ofMe ? "mention me" : "mention" }, text);
}

export function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

// What a notification shows: the words alone.
export function words(text, names) {
  return el("div", {}, mrkdwn(text, names)).textContent;
}
