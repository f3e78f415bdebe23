// The emoji that apps of this kind use, by Slack's names.

export const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫",
  warning: "⚠️", hourglass: "⌛", hourglass_flowing_sand: "⏳", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", gear: "⚙️",
  alarm_clock: "⏰", leftwards_arrow_with_hook: "↩️", arrow_right: "➡️", arrow_up: "⬆️",
  eyes: "👀", tada: "🎉", rocket: "🚀", bell: "🔔", no_bell: "🔕", lock: "🔒", key: "🔑",
  link: "🔗", memo: "📝", page_facing_up: "📄", paperclip: "📎", chart_with_upwards_trend: "📈",
  moneybag: "💰", euro: "💶", dollar: "💵", credit_card: "💳", calendar: "📅", date: "📅",
  mag: "🔍", bulb: "💡", question: "❓", exclamation: "❗", information_source: "ℹ️",
  speech_balloon: "💬", wave: "👋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎",
  raised_hand: "✋", pray: "🙏", muscle: "💪", clap: "👏", point_right: "👉", busts_in_silhouette: "👥",
  bust_in_silhouette: "👤", office: "🏢", house: "🏠", wrench: "🔧", hammer: "🔨", broom: "🧹",
  recycle: "♻️", arrows_counterclockwise: "🔄", repeat: "🔁", stopwatch: "⏱️", zzz: "💤",
  construction: "🚧", rotating_light: "🚨", star: "⭐", sparkles: "✨", fire: "🔥", package: "📦",
  inbox_tray: "📥", outbox_tray: "📤", file_folder: "📁", clipboard: "📋", pushpin: "📌",
  small_blue_diamond: "🔹", small_orange_diamond: "🔸", black_small_square: "▪️", white_circle: "⚪",
};
