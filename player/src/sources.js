// The sources of an element, and which of them this browser shows with transparency.
import { isAvailable } from "./compositor.js";

/** @typedef {"webm" | "hevc" | "stacked"} Kind */
/** @typedef {{ src: string, type: string }} Source */

/** What a browser is asked whether it plays. @type {Record<Kind, string>} */
const TYPES = {
  webm: 'video/webm; codecs="vp9"',
  hevc: 'video/quicktime; codecs="hvc1.1.6.L93.B0"',
  stacked: 'video/mp4; codecs="avc1.64001f"',
};
/** Does not show VP9's alpha. */
const WEBKIT = "GestureEvent" in globalThis;
/** A frame of HEVC whose left half is clear, by scripts/make-player-probe.sh. */
const PROBE =
  "data:video/quicktime;base64,AAAAFGZ0eXBxdCAgAAACAHF0ICAAAANkbW9vdgAAAGxtdmhkAAAAAAAAAAAAAAAAAAAD6AAAACgAAQAAAQAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAAAvB0cmFrAAAAXHRraGQAAAADAAAAAAAAAAAAAAABAAAAAAAAACgAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAABAAAAAAEAAAABAAAAAAAAkZWR0cwAAABxlbHN0AAAAAAAAAAEAAAAoAAAAAAABAAAAAAJobWRpYQAAACBtZGhkAAAAAAAAAAAAAAAAAAAyAAAAAgB//wAAAAAALWhkbHIAAAAAbWhscnZpZGUAAAAAAAAAAAAAAAAMVmlkZW9IYW5kbGVyAAACE21pbmYAAAAUdm1oZAAAAAEAAAAAAAAAAAAAACxoZGxyAAAAAGRobHJ1cmwgAAAAAAAAAAAAAAAAC0RhdGFIYW5kbGVyAAAAJGRpbmYAAAAcZHJlZgAAAAAAAAABAAAADHVybCAAAAABAAABp3N0YmwAAAFDc3RzZAAAAAAAAAABAAABM2h2YzEAAAAAAAAAAQAAAABGRk1QAAACAAAAAgAAQABAAEgAAABIAAAAAAAAAAEMTGF2YyBsaWJ4MjY1AAAAAAAAAAAAAAAAAAAAAAAAAAAY//8AAADTaHZjQwEBYAAAAJAAAAAAAB7wAPz9+PgAAA8EoAABADdAAQwR//8BYAAAAwCQAAADAAADAB6ZigVvHhgAAQcEODgIAAAE/EAAAAMAAPRoAgACBQBRjMVSoQACACxCAQEBYAAAAwCQAAADAAADAB6gIIEFlmYqSRtrmoEBAIIAAAMAAgAAAwAyEAAiQgkBAWAAAAMAkAAAAwAAAwAeSAggQWWZipJG2uagQEAgEKIAAgAHRAHBcrYiQAAHRAlIFysCJCcAAQAJTgGlBAAAf5CAAAAACmZpZWwBAAAAABhzdHRzAAAAAAAAAAEAAAABAAACAAAAABxzdHNjAAAAAAAAAAEAAAABAAAAAQAAAAEAAAAUc3RzegAAAAAAAAAjAAAAAQAAABRzdGNvAAAAAAAAAAEAAAOIAAAACHdpZGUAAAArbWRhdAAAAAooAa8dgPc3nc0MAAAAESgJk8dg9zb//FJazt32z3CY";

/** How long the frame may take. */
const PROBE_MS = 2000;

/** @type {Promise<boolean> | undefined} */
let hevc;

/** What an element offers: its `src`, or else its `<source>` children. @param {Element} element @returns {Source[]} */
export function offered(element) {
  const src = element.getAttribute("src");
  if (src !== null) return [{ src, type: "" }];
  /** @type {NodeListOf<HTMLSourceElement>} */
  const sources = element.querySelectorAll(":scope > source");
  return [...sources]
    .filter(({ media }) => !media || matchMedia(media).matches)
    .map(({ src, type }) => ({ src, type }));
}

/** By the type or the name of the file. @param {Source} source @returns {Kind} */
export function kindOf({ src, type }) {
  const said = type + src.split(/[?#]/)[0].split("/").pop();
  return /webm/.test(said) ? "webm" : /hvc1|\.mov$/.test(said) ? "hevc" : "stacked";
}

/** Whether this browser shows that kind with its transparency. @param {Kind} kind @param {HTMLVideoElement} video */
export function isShown(kind, video) {
  if (!video.canPlayType(TYPES[kind])) return false;
  return kind === "stacked" ? isAvailable() : kind === "webm" ? !WEBKIT : showsHevc();
}

/** Whether the alpha of HEVC is shown: draws the frame. One that does not come tells nothing. */
function showsHevc() {
  hevc ??= new Promise((tell) => {
    const video = document.createElement("video");
    const context = document.createElement("canvas").getContext("2d");
    const alpha = (/** @type {number} */ x) => context?.getImageData(x, 32, 1, 1).data[3] ?? 0;
    const until = performance.now() + PROBE_MS;
    const look = () => {
      context?.drawImage(video, 0, 0);
      // The data may be there before a frame can be drawn: then both halves are clear.
      if (alpha(48) > 0) tell(alpha(16) < 64 && alpha(48) > 191);
      else if (performance.now() < until) requestAnimationFrame(look);
    };
    video.onloadeddata = look;
    video.onerror = () => tell(false);
    setTimeout(tell, PROBE_MS, WEBKIT);
    video.muted = video.playsInline = true;
    video.src = PROBE;
    video.play()?.catch(() => {});
  });
  return hevc;
}
