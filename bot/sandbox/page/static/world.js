// What this person's page knows: fetched once, then kept up by server-sent events.

import { time } from "./mrkdwn.js";

const asked = new URLSearchParams(location.search).get("as");

export const world = {
  me: asked ?? sessionStorage.getItem("me") ?? "",
  number: 0,
  bot: "", url: "", people: [], groups: {}, channels: [], app: { commands: [], shortcuts: [] },
  views: [], home: null, exchanges: [], switches: [],
  running: false, seconds_ahead: 0, thrown: {},
  messages: new Map(), // by channel: by time
  names: {},
};

const listeners = new Map();

// `on("message", (message, how) => …)`: kinds are those of the changes, and `state` for everything.
export function on(kind, listener) {
  listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
}

export function tell(kind, ...what) {
  for (const listener of listeners.get(kind) ?? []) listener(...what);
}

export async function send(what, body = {}) {
  const answer = await fetch(`/api/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ as: world.me, ...body }),
  });
  if (!answer.ok) throw new Error(`${what}: HTTP ${answer.status}`);
  return answer.json();
}

let stream = null;

// Begin, or begin anew as somebody else.
export async function look(person = world.me) {
  stream?.close();
  const answer = await fetch(`/api/state?as=${encodeURIComponent(person)}`);
  const state = await answer.json();
  sessionStorage.setItem("me", state.me);
  Object.assign(world, state, { messages: new Map() });
  for (const message of state.messages) channelOf(message.channel).set(message.ts, message);
  learnNames();
  tell("state");
  listen();
}

function learnNames() {
  world.names = { me: world.me, ...world.groups };
  for (const person of world.people) world.names[person.id] = person.name;
  for (const channel of world.channels) world.names[channel.id] = channel.name;
}

function listen() {
  stream = new EventSource(`/api/events?as=${encodeURIComponent(world.me)}&after=${world.number}`);
  stream.addEventListener("message", (event) => {
    world.number = Number(event.lastEventId);
    apply(JSON.parse(event.data));
  });
  stream.addEventListener("error", () => tell("connection", false));
  stream.addEventListener("open", () => tell("connection", true));
}

function apply(change) {
  switch (change.kind) {
    case "reset": return look();
    case "message": {
      const { message, channel } = change;
      if (!world.channels.some((each) => each.id === channel.id)) {
        world.channels.push(channel);
        learnNames();
        tell("channels");
      }
      const isNew = !channelOf(message.channel).has(message.ts);
      channelOf(message.channel).set(message.ts, message);
      return tell("message", message, isNew);
    }
    case "deleted":
      channelOf(change.message.channel).delete(change.message.ts);
      return tell("message", change.message, false);
    case "views": world.views = change.views; return tell("views");
    case "home": world.home = change.home; return tell("home");
    case "around": Object.assign(world, change.around); return tell("around");
    case "exchange": {
      const place = world.exchanges.findLastIndex((each) => each.number === change.exchange.number);
      if (place < 0) world.exchanges.push(change.exchange);
      else world.exchanges[place] = change.exchange;
      if (world.exchanges.length > 1000) world.exchanges.shift();
      return tell("exchange", change.exchange);
    }
  }
}

export function channelOf(id) {
  if (!world.messages.has(id)) world.messages.set(id, new Map());
  return world.messages.get(id);
}

export const person = (id) => world.people.find((each) => each.id === id);
export const channelName = (channel) => (channel.is_im ? "upgrade-bot" : `#${channel.name}`);

time.now = () => Date.now() + world.seconds_ahead * 1000;
