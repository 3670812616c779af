// What a file may be for.

/** What a file may be for, by the name of the preset. */
export const PRESETS = [
  ["", "Anything: choose formats and settings"],
  ["telegram-sticker", "Telegram sticker, up to 3 s"],
  ["telegram-emoji", "Telegram emoji, up to 3 s"],
  ["whatsapp-sticker", "WhatsApp sticker, up to 10 s"],
  ["discord-sticker", "Discord sticker, up to 5 s"],
  ["discord-emoji", "Discord emoji"],
  ["slack-emoji", "Slack emoji, up to 50 frames"],
  ["line-sticker", "LINE sticker, 1, 2, 3 or 4 s"],
  ["imessage-sticker", "iMessage sticker"],
  ["web-hero", "First screen of a website, up to 2 MB"],
];
/** Those whose files are square, with margins around the frame. */
export const SQUARE_PRESETS = new Set(
  "telegram-emoji whatsapp-sticker discord-sticker discord-emoji slack-emoji imessage-sticker".split(" "),
);
