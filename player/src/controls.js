// The controls of a player: one bar over the lower edge of the picture, for pointer, touch, keyboard and screen readers.
import { captionsOf } from "./captions.js";

/** @typedef {HTMLElement & Omit<HTMLVideoElement, keyof HTMLElement> & { video: HTMLVideoElement }} Player */

/** Paths in a square of 16. */
const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M3.5 2.5h3v11h-3zm6 0h3v11h-3z",
  sound: "M2 6h2.5L8 3v10l-3.5-3H2zm7.5-.5a3.5 3.5 0 0 1 0 5zM11 3.2a6.5 6.5 0 0 1 0 9.6l-.8-.9a5.3 5.3 0 0 0 0-7.8z",
  silence:
    "M2 6h2.5L8 3v10l-3.5-3H2zm8.2.7.8-.8 1.5 1.5L14 5.9l.8.8-1.5 1.5 1.5 1.5-.8.8L12.5 9 11 10.5l-.8-.8 1.5-1.5z",
  captions: "M1.5 3h13v10h-13zM3 4.5v7h10v-7zM4 8.5h3.5v1.3H4zm4.5 0H12v1.3H8.5z",
  fullscreen: "M2 2h5v1.5H3.5V7H2zm7 0h5v5h-1.5V3.5H9zm5 12H9v-1.5h3.5V9H14zm-7 0H2V9h1.5v3.5H7z",
};
const SECONDS = 5;
const VOLUME = 0.1;

export const CONTROLS_STYLE =
  ".bar{position:absolute;inset:auto 0 0;display:flex;align-items:center;gap:2px;padding:2px 4px;opacity:0;" +
  "pointer-events:none;background:rgb(0 0 0/.8);color:#fff;color-scheme:dark;font:12px/1 system-ui,sans-serif;transition:opacity .2s}" +
  ":host(:hover) .bar,.bar:focus-within,.bar.is-paused{opacity:1;pointer-events:auto}" +
  ".bar button{all:unset;flex:none;box-sizing:border-box;width:28px;height:28px;padding:6px;border-radius:4px;cursor:pointer}" +
  ".bar button:hover,.bar [aria-pressed=true]{background:rgb(255 255 255/.25)}" +
  ".bar :focus-visible{outline:2px solid;outline-offset:-2px}" +
  ".bar svg{display:block;width:16px;height:16px;fill:currentColor;fill-rule:evenodd}" +
  ".bar input{flex:1;min-width:0;height:24px;margin:0 2px;accent-color:#fff}.bar .volume{flex:0 0 56px}" +
  ".bar output{flex:none;padding:0 4px;font-variant-numeric:tabular-nums}" +
  "@container(max-width:340px){.bar .volume{display:none}}@container(max-width:240px){.bar output{display:none}}" +
  "@container(max-width:150px){.bar .extra{display:none}}@media(prefers-reduced-motion:reduce){.bar{transition:none}}";

/** Minutes and seconds, with hours if there are any. @param {number} seconds */
function clock(seconds) {
  const whole = Number.isFinite(seconds) ? Math.floor(seconds) : 0;
  const pair = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours ? `${hours}:${pair(minutes)}` : minutes}:${pair(whole % 60)}`;
}

/** @param {keyof typeof ICONS} name */
function icon(name) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** @param {() => void} act @param {string} className */
function button(act, className = "") {
  const made = Object.assign(document.createElement("button"), { type: "button", onclick: act, className });
  /** @param {keyof typeof ICONS} name @param {string} label */
  const show = (name, label) => {
    if (made.ariaLabel === label) return;
    made.ariaLabel = made.title = label;
    made.replaceChildren(icon(name));
  };
  return Object.assign(made, { show });
}

/** @param {string} label @param {string} className */
function slider(label, className) {
  const made = Object.assign(document.createElement("input"), { type: "range", min: "0", step: "0.01", className });
  made.ariaLabel = label;
  return made;
}

/**
 * The bar of a player, which follows it, and controls it.
 * @param {Player} player @param {ShadowRoot} root
 */
export function controlsOf(player, root) {
  const { video } = player;
  const toggle = () => {
    if (player.paused) player.play().catch(() => {});
    else player.pause();
  };
  const seek = (/** @type {number} */ to) => {
    player.currentTime = Math.max(0, Math.min(to, player.duration || 0));
  };
  const mute = () => {
    player.muted = !player.muted;
  };
  const setVolume = (/** @type {number} */ to) => {
    player.volume = Math.max(0, Math.min(to, 1));
    player.muted = false;
  };
  const caption = () => {
    const all = captionsOf(video);
    const isShown = all.some(({ mode }) => mode === "showing");
    for (const [at, track] of all.entries()) track.mode = !isShown && at === 0 ? "showing" : "disabled";
  };
  const fill = () => {
    if (player.matches(":fullscreen")) document.exitFullscreen();
    else player.requestFullscreen().catch(() => {});
  };

  const [play, captions] = [button(toggle), button(caption, "extra")];
  const [sound, full] = [button(mute), button(fill, "extra")];
  const [time, volume] = [slider("Seek", "time"), slider("Volume", "volume")];
  const said = document.createElement("output");
  said.ariaHidden = "true";
  time.oninput = () => seek(time.valueAsNumber);
  volume.max = "1";
  volume.oninput = () => setVolume(volume.valueAsNumber);
  captions.show("captions", "Captions");
  full.show("fullscreen", "Full screen");
  full.hidden = !document.fullscreenEnabled;

  const bar = document.createElement("div");
  bar.className = "bar";
  bar.part.add("controls");
  bar.role = "group";
  bar.ariaLabel = "Controls";
  bar.append(play, time, said, captions, sound, volume, full);

  const update = () => {
    const { currentTime, duration, muted, paused } = player;
    bar.classList.toggle("is-paused", paused);
    play.show(paused ? "play" : "pause", paused ? "Play" : "Pause");
    sound.show(muted ? "silence" : "sound", muted ? "Unmute" : "Mute");
    time.disabled = !Number.isFinite(duration);
    time.max = String(duration || 1);
    time.value = String(currentTime);
    said.textContent = `${clock(currentTime)} / ${clock(duration)}`;
    time.setAttribute("aria-valuetext", said.textContent.replace("/", "of"));
    volume.value = String(muted ? 0 : player.volume);
    volume.setAttribute("aria-valuetext", `${Math.round(volume.valueAsNumber * 100)} %`);
    const tracks = captionsOf(video);
    captions.hidden = tracks.length === 0;
    captions.ariaPressed = String(tracks.some(({ mode }) => mode === "showing"));
  };
  const followed = "play pause ended emptied timeupdate durationchange volumechange seeking seeked";
  for (const type of followed.split(" ")) player.addEventListener(type, update);
  for (const type of ["addtrack", "removetrack", "change"]) video.textTracks.addEventListener(type, update);
  update();

  /** @type {Record<string, () => void>} */
  const keys = {
    " ": toggle,
    k: toggle,
    m: mute,
    c: caption,
    f: fill,
    ArrowLeft: () => seek(player.currentTime - SECONDS),
    ArrowRight: () => seek(player.currentTime + SECONDS),
    ArrowUp: () => setVolume(player.volume + VOLUME),
    ArrowDown: () => setVolume(player.volume - VOLUME),
  };
  bar.addEventListener("keydown", (event) => {
    const isOwn = event.target === volume ? /Arrow/ : event.target === time ? /^$/ : /^ $/;
    if (event.ctrlKey || event.altKey || event.metaKey || isOwn.test(event.key) || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  // A tap only shows the bar.
  root.addEventListener("click", (event) => {
    const { pointerType } = /** @type {PointerEvent} */ (event);
    if (bar.isConnected && pointerType !== "touch" && !bar.contains(/** @type {Node} */ (event.target))) toggle();
  });
  return bar;
}
