// Where this person is: which channel, which tab of the app, which thread.

import { tell, world } from "./world.js";

export const place = {
  channel: null,
  tab: "messages", // of the app: home or messages
  thread: null,
  target: null, // a message that a link leads to

  go(channel, { tab = "messages", thread = null, target = null } = {}) {
    Object.assign(place, { channel, tab, thread, target });
    history.replaceState(null, "", `/?as=${world.me}`);
    tell("place", "channel");
  },

  openThread(ts, write = false) {
    place.thread = ts;
    if (innerWidth <= 1000) tell("narrow"); // there is room for one pane only
    tell("place", write ? "write" : "thread");
  },

  closeThread() {
    place.thread = null;
    tell("place", "closed");
  },

  get isHome() {
    return place.tab === "home" && world.channels.find((each) => each.id === place.channel)?.is_im;
  },
};

// A link to a message: `/archives/<channel>/p<time>`.
export function follow(path) {
  const found = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(path);
  if (!found) return false;
  const [, channel, seconds, rest] = found;
  const ts = `${seconds}.${rest}`;
  const message = world.messages.get(channel)?.get(ts);
  if (!world.channels.some((each) => each.id === channel)) return false;
  place.go(channel, { thread: message?.thread_ts ?? null, target: ts });
  return true;
}
