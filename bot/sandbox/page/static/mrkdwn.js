// Slack's mrkdwn as DOM nodes. Text from outside only ever becomes a text node.

const TOKEN = /<([^<>]+)>|\*([^*\n]+)\*|`([^`\n]+)`/g;

export function mrkdwn(text, names) {
  const nodes = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    nodes.append(unescaped(text.slice(end, found.index)));
    nodes.append(element(found, names));
    end = found.index + found[0].length;
  }
  nodes.append(unescaped(text.slice(end)));
  return nodes;
}

function element([whole, angle, bold, code], names) {
  if (bold !== undefined) return make("strong", mrkdwn(bold, names));
  if (code !== undefined) return make("code", unescaped(code));
  const [target, label] = angle.split("|");
  if (target.startsWith("@")) return mention("@" + (names[target.slice(1)] ?? target.slice(1)));
  if (target.startsWith("#")) return mention("#" + (names[target.slice(1)] ?? target.slice(1)));
  if (target.startsWith("!subteam^")) {
    const id = target.slice("!subteam^".length);
    return mention("@" + (names[id] ?? id));
  }
  if (target.startsWith("!date^")) return date(target.split("^")[1]);
  if (target.startsWith("!")) return mention("@" + target.slice(1));
  if (/^https?:\/\//.test(target)) return link(unescaped(target), unescaped(label ?? target));
  return document.createTextNode(whole);
}

function date(seconds) {
  const at = new Date(Number(seconds) * 1000);
  const node = make("time", at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
  node.dateTime = at.toISOString();
  return node;
}

function link(url, label) {
  const node = make("a", label);
  node.href = url;
  node.target = "_blank";
  node.rel = "noreferrer";
  return node;
}

function mention(text) {
  const node = make("span", text);
  node.className = "mention";
  return node;
}

function make(tag, content) {
  const node = document.createElement(tag);
  node.append(content);
  return node;
}

function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
