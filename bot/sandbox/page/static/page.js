// The practice workspace: shows what one person sees, and sends what they do.

import { blocks, el } from "./blocks.js";
import { mrkdwn } from "./mrkdwn.js";

const $ = (id) => document.getElementById(id);
let state = null;
let me = new URLSearchParams(location.search).get("as") ?? "U0ALICE";
let channel = null;
let thread = null;
let names = {};
let restartedAt = null;

async function send(what, body) {
  const answer = await fetch(`/api/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ as: me, ...body }),
  });
  if (!answer.ok) throw new Error(`${what}: HTTP ${answer.status}`);
  return answer.json();
}

async function refresh() {
  const answer = await fetch(`/api/state?as=${encodeURIComponent(me)}`);
  state = await answer.json();
  names = { ...state.groups };
  for (const person of state.people) names[person.id] = person.name;
  for (const each of state.channels) names[each.id] = each.name;
  channel = state.channels.some((c) => c.id === channel) ? channel : state.channels[0]?.id;
  $("text").disabled = !channel;
  show();
}

function show() {
  const since = restartedAt ? ` Restarted at ${restartedAt.toLocaleTimeString()}.` : "";
  $("running").textContent = state.running ? `The bot is running.${since}` : "The bot is stopped.";
  showPeople();
  showChannels();
  const here = state.messages.filter((m) => m.channel === channel);
  fill($("messages"), here.filter((m) => !m.thread_ts).map((m) => message(m, here)));
  showThread(here);
  showForm();
}

// Replace the children only if they changed, so that focus and scrolling stay; follow the end.
function fill(parent, children) {
  const fresh = el("div", {}, ...children);
  if (fresh.isEqualNode(el("div", {}, ...[...parent.childNodes].map((n) => n.cloneNode(true))))) return;
  const atEnd = parent.scrollHeight - parent.scrollTop - parent.clientHeight < 80;
  parent.replaceChildren(...fresh.childNodes);
  if (atEnd) parent.scrollTop = parent.scrollHeight;
}

function showPeople() {
  const people = state.people.filter((p) => !p.is_bot);
  if ($("person").options.length !== people.length) {
    $("person").replaceChildren(...people.map((p) => el("option", { value: p.id }, p.real_name)));
  }
  $("person").value = me;
}

function showChannels() {
  fill($("channels"), state.channels.map((each) => {
    const node = el("button", { type: "button" }, each.is_im ? "✉ upgrade-bot" : `# ${each.name}`);
    if (each.id === channel) node.setAttribute("aria-current", "true");
    node.dataset.channel = each.id;
    return node;
  }));
}

function message(m, here, inThread = false) {
  const author = m.user ? names[m.user] : "Slack";
  const head = el("div", {}, el("span", { className: "who" }, author), " ");
  if (m.user === state.bot) head.append(el("span", { className: "badge" }, "APP"), " ");
  const at = new Date(Number(m.ts.split(".")[0]) * 1000);
  head.append(el("time", { dateTime: at.toISOString() }, at.toLocaleTimeString([], { timeStyle: "short" })));
  const node = el("article", { className: m.only_for ? "private" : "" });
  if (m.only_for) node.append(el("div", { className: "only" }, "Only visible to you"));
  node.append(head);
  if (m.blocks.length) node.append(blocks(m.blocks, names, (element, pressed) => press(m, element, pressed)));
  else node.append(el("div", { className: "block" }, mrkdwn(m.text, names)));
  if (m.edited) node.append(el("span", { className: "small" }, "(edited)"));
  const replies = here.filter((r) => r.thread_ts === m.ts).length;
  if (replies && !inThread) {
    const open = el("button", { type: "button" }, `${replies} ${replies === 1 ? "reply" : "replies"}`);
    open.dataset.thread = m.ts;
    node.append(open);
  }
  node.dataset.ts = m.ts;
  return node;
}

function showThread(here) {
  const parent = here.find((m) => m.ts === thread);
  $("thread").hidden = !parent;
  if (!parent) return;
  const close = el("button", { type: "button" }, "Close the thread");
  close.dataset.close = "thread";
  const replies = here.filter((m) => m.thread_ts === thread);
  fill($("thread"), [el("h2", {}, "Thread"), close, ...[parent, ...replies].map((m) => message(m, here, true))]);
}

async function press(m, element, node) {
  if (element.confirm && !(await confirmed(element.confirm))) return;
  node.disabled = true;
  try {
    await send("click", { channel: m.channel, ts: m.ts, element });
  } finally {
    node.disabled = false;
  }
}

function confirmed(question) {
  const yes = el("button", { type: "button", className: question.style ?? "primary" }, question.confirm.text);
  const no = el("button", { type: "button" }, question.deny.text);
  const dialog = $("confirm");
  dialog.replaceChildren(el("h2", {}, question.title.text), el("p", {}, question.text.text),
    el("div", { className: "row" }, no, yes));
  dialog.showModal();
  return new Promise((resolve) => {
    const done = (answer) => { dialog.close(); resolve(answer); };
    yes.addEventListener("click", () => done(true));
    no.addEventListener("click", () => done(false));
    dialog.addEventListener("cancel", () => resolve(false), { once: true });
  });
}

function showForm() {
  const dialog = $("form");
  const view = state.views.at(-1);
  if (!view) {
    if (dialog.open) dialog.close();
    delete dialog.dataset.view;
    return;
  }
  if (dialog.dataset.view !== view.id) buildForm(dialog, view);
  for (const error of dialog.querySelectorAll(".error")) error.textContent = "";
  for (const [id, words] of Object.entries(view.errors)) {
    (document.getElementById(`input-${id}-error`) ?? dialog.querySelector(".error.whole")).textContent = words;
  }
}

function buildForm(dialog, view) {
  dialog.dataset.view = view.id;
  const submit = el("button", { type: "submit", className: "primary" }, view.content.submit.text);
  const cancel = el("button", { type: "button" }, view.content.close.text);
  cancel.addEventListener("click", () => send("cancel", { view: view.id }));
  const form = el("form", { method: "dialog" }, el("h2", {}, view.content.title.text),
    blocks(view.content.blocks, names, () => {}, (block, typed) => send("suggest", { view: view.id, block, typed })),
    el("div", { className: "error whole", role: "alert" }),
    el("div", { className: "row" }, cancel, submit));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const values = Object.fromEntries([...form.querySelectorAll("[name]")].map((f) => [f.name, f.value]));
    await send("submit", { view: view.id, values });
    submit.disabled = false;
  });
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
}

document.addEventListener("click", (event) => {
  const { channel: to, thread: opened, close } = event.target.dataset ?? {};
  if (to) channel = to;
  if (opened) thread = opened;
  if (close) thread = null;
  if (to || opened || close) show();
});
$("form").addEventListener("cancel", () => send("cancel", { view: $("form").dataset.view }));
$("person").addEventListener("change", () => {
  me = $("person").value;
  history.replaceState(null, "", `?as=${me}`);
  refresh();
});
$("restart").addEventListener("click", async () => {
  $("restart").disabled = true;
  await send("restart", {});
  $("restart").disabled = false;
  restartedAt = new Date();
  show();
});
$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value;
  $("text").value = "";
  if (text.trim()) await send("type", { channel, text });
});
new EventSource("/api/events").addEventListener("message", refresh);
