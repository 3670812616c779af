// Gives an element the properties and methods of <video>: those that reflect attributes, and all others from the <video> within.

/** @typedef {HTMLElement & { video: HTMLVideoElement }} Holder */

/** Properties that say whether an attribute is there. @type {Record<string, string>} */
const FLAGS = {
  autoplay: "autoplay",
  controls: "controls",
  defaultMuted: "muted",
  disablePictureInPicture: "disablepictureinpicture",
  disableRemotePlayback: "disableremoteplayback",
  loop: "loop",
  playsInline: "playsinline",
};

/** @param {string | null} value */
const address = (value) => (value === null ? "" : new URL(value, document.baseURI).href);

/** Properties that are made from the text of an attribute. @type {Record<string, (value: string | null) => unknown>} */
const TEXTS = {
  crossOrigin: (value) => (value === null || value === "use-credentials" ? value : "anonymous"),
  height: (value) => Number.parseInt(value ?? "", 10) || 0,
  poster: address,
  preload: (value) =>
    value === "none" || value === "auto" || value === "metadata" ? value : value === "" ? "auto" : "metadata",
  src: address,
  width: (value) => Number.parseInt(value ?? "", 10) || 0,
};

/**
 * Defines what a `<video>` of this browser has, and `prototype` lacks.
 * @param {Holder} prototype
 */
export function mirrorVideo(prototype) {
  for (const [name, attribute] of Object.entries(FLAGS))
    define(prototype, name, {
      get() {
        return this.hasAttribute(attribute);
      },
      set(value) {
        this.toggleAttribute(attribute, Boolean(value));
      },
    });
  for (const [name, read] of Object.entries(TEXTS))
    define(prototype, name, {
      get() {
        return read(this.getAttribute(name));
      },
      set(value) {
        if (value === null && name === "crossOrigin") this.removeAttribute(name);
        else this.setAttribute(name, value);
      },
    });
  for (const { prototype: known } of [HTMLMediaElement, HTMLVideoElement])
    for (const [name, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(known))) {
      if (name in prototype) continue;
      if (typeof value === "function")
        Object.defineProperty(prototype, name, {
          configurable: true,
          writable: true,
          /** @this {Holder} @param {unknown[]} given */
          value(...given) {
            return value.apply(this.video, given);
          },
        });
      else if (value !== undefined) Object.defineProperty(prototype, name, { value });
      else
        define(prototype, name, {
          get() {
            return Reflect.get(this.video, name);
          },
          /** @param {unknown} given */
          set(given) {
            if (set) Reflect.set(this.video, name, given);
          },
        });
    }
}

/** @param {Holder} prototype @param {string} name @param {PropertyDescriptor & ThisType<Holder>} accessors */
function define(prototype, name, accessors) {
  if (!(name in prototype))
    Object.defineProperty(prototype, name, { configurable: true, enumerable: true, ...accessors });
}
