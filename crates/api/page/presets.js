// What a file may be for.

/** What a file may be for, by the name of the preset. */
export const PRESETS = [
  ["", "Anything"],
  ["telegram-sticker", "Telegram sticker, up to 3 s"],
  ["telegram-emoji", "Telegram emoji, up to 3 s"],
  ["whatsapp-sticker", "WhatsApp sticker, up to 10 s"],
  ["discord-sticker", "Discord sticker, up to 5 s"],
  ["discord-emoji", "Discord emoji"],
  ["slack-emoji", "Slack emoji, up to 50 frames"],
  ["line-sticker", "LINE sticker, 1, 2, 3 or 4 s"],
  ["imessage-sticker", "iMessage sticker"],
  ["web-hero", "Website hero video, up to 2 MB"],
];
/** Those whose files are square, with margins around the frame. */
export const SQUARE_PRESETS = new Set(
  "telegram-emoji whatsapp-sticker discord-sticker discord-emoji slack-emoji imessage-sticker".split(" "),
);
/** The largest file that each takes, in KB of 1000 bytes. @type {Record<string, number>} */
export const MAX_KB = {
  "telegram-sticker": 256,
  "telegram-emoji": 64,
  "whatsapp-sticker": 500,
  "discord-sticker": 512,
  "discord-emoji": 256,
  "slack-emoji": 128,
  "line-sticker": 300,
  "imessage-sticker": 500,
  "web-hero": 2000,
};

/** The longest file that each takes, in seconds. @type {Record<string, number>} */
export const MAX_SECS = {
  "telegram-sticker": 3,
  "telegram-emoji": 3,
  "whatsapp-sticker": 10,
  "discord-sticker": 5,
  "line-sticker": 4,
};

/** The largest file that some options allow, in bytes; null without a limit. @param {{ preset?: string, maxBytes?: string } | null} options */
export function limitOf(options) {
  const { preset = "", maxBytes = "" } = options ?? {};
  const [, number, unit = ""] = maxBytes.match(/^(\d+)(kb|mb)?$/i) ?? [];
  const units = { kb: 1e3, mb: 1e6 };
  if (preset) return MAX_KB[preset] ? MAX_KB[preset] * 1000 : null;
  return number ? Number(number) * (units[/** @type {"kb" | "mb"} */ (unit.toLowerCase())] ?? 1) : null;
}
