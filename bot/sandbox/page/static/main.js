// The page: who looks, what is open, and the keys.

import { begin as beginChannel } from "./channel.js";
import { begin as beginComposer } from "./composer.js";
import { $, el } from "./dom.js";
import { begin as beginForms } from "./forms.js";
import { begin as beginInspector } from "./inspector.js";
import { follow, place } from "./place.js";
import { begin as beginSidebar } from "./sidebar.js";
import { begin as beginSwitches } from "./switches.js";
import { begin as beginTour } from "./tour.js";
import { begin as beginUnread } from "./unread.js";
import { look, on, tell, world } from "./world.js";

let isFirst = true;

// Everything may have changed: the person, or the whole workspace.
on("state", () => {
  const people = world.people.filter((each) => !each.is_bot);
  $("person").replaceChildren(...people.map((each) => el("option", { value: each.id }, each.real_name)));
  $("person").value = world.me;
  const there = world.channels.some((each) => each.id === place.channel && !each.is_im);
  if (!there) place.channel = world.channels[0]?.id;
  place.tab = "messages";
  if (!isFirst) history.replaceState(null, "", `/?as=${world.me}`);
});
beginUnread();
beginSidebar();
beginChannel();
beginComposer();
beginForms();
beginInspector();
beginSwitches();
beginTour();
on("state", () => {
  if (isFirst && !follow(location.pathname)) tell("place", "channel");
  isFirst = false;
  document.body.dataset.ready = world.me;
});
on("connection", (is) => { $("offline").hidden = is; });

$("person").addEventListener("change", () => look($("person").value));
$("window").addEventListener("click", () => {
  const others = world.people.filter((each) => !each.is_bot && each.id !== world.me);
  const box = $("others");
  box.replaceChildren(el("h2", {}, "Open a window for"), ...others.map((each) =>
    el("a", { href: `/?as=${each.id}`, target: "_blank", className: "button", onclick: () => box.close() }, each.real_name)),
  el("button", { type: "button", className: "button", onclick: () => box.close() }, "Cancel"));
  box.showModal();
});

// Links to messages of this workspace open here.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const url = new URL(link.href);
  if (url.origin === location.origin && follow(url.pathname)) event.preventDefault();
});

const TOOLS = ["guide", "inspector", "switches"];

function openTool(name) {
  for (const each of TOOLS) {
    $(each).hidden = each !== name;
    $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
    $(`tab-${each}`).tabIndex = each === name ? 0 : -1;
  }
  showTools(true);
  localStorage.setItem("tool", name);
}

function showTools(isOpen) {
  $("tools").hidden = !isOpen;
  document.body.classList.toggle("with-tools", isOpen);
  $("open-tools").setAttribute("aria-expanded", String(isOpen));
  localStorage.setItem("tools", isOpen ? "open" : "closed");
  tell("tools");
}

for (const [number, name] of TOOLS.entries()) {
  $(`tab-${name}`).addEventListener("click", () => openTool(name));
  $(`tab-${name}`).addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const to = TOOLS[(number + step + TOOLS.length) % TOOLS.length];
    openTool(to);
    $(`tab-${to}`).focus();
  });
}
on("narrow", () => showTools(false));
$("open-tools").addEventListener("click", () => showTools($("tools").hidden));
$("close-tools").addEventListener("click", () => { showTools(false); $("open-tools").focus(); });
$("broken").addEventListener("click", () => openTool("switches"));
$("keys").addEventListener("click", () => $("help").showModal());
$("close-help").addEventListener("click", () => $("help").close());

// F6 goes from region to region, as in Slack.
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !event.target.closest("input, textarea, select")) {
    $("help").showModal();
  } else if (event.key === "F6") {
    event.preventDefault();
    const all = [$("channels").querySelector("button"), $("messages").querySelector("article[tabindex='0']"), $("text"),
      $("thread").hidden ? null : $("thread-title"), $("tools").hidden ? null : $("tools").querySelector("[aria-selected=true]")]
      .filter((node) => node?.offsetParent);
    const regions = all.map((node) => node.closest("nav, #messages, form, aside"));
    const here = regions.findIndex((region) => region.contains(document.activeElement));
    all[(here + (event.shiftKey ? -1 : 1) + all.length) % all.length]?.focus();
  }
});

if ((localStorage.getItem("tools") ?? (innerWidth > 1100 ? "open" : "closed")) === "open") {
  openTool(localStorage.getItem("tool") ?? "guide");
}
look();
