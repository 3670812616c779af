/** A stacked frame is one texture: color from 0, matte from 0.5. */
const VERTEX = "attribute vec2 p;varying vec2 c;void main(){c=vec2(.5+.5*p.x,.25-.25*p.y);gl_Position=vec4(p,0,1);}";
/** Straight color to premultiplied. */
const FRAGMENT =
  "precision highp float;uniform sampler2D f;varying vec2 c;" +
  "void main(){float a=texture2D(f,c+vec2(0,.5)).r;gl_FragColor=vec4(texture2D(f,c).rgb*a,a);}";
const STYLE =
  ":host{display:inline-block}:host([hidden]),slot,[hidden]{display:none!important}" +
  "canvas,video{display:block;width:100%;height:100%;object-fit:inherit}";
const EVENTS = "loadedmetadata loadeddata canplay play playing pause timeupdate seeking seeked ended volumechange";
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

/** @type {Promise<boolean> | undefined} */
let hevc;
/** Whether the alpha of HEVC is shown: draws the frame. One that does not come tells nothing. */
const showsHevc = () => {
  hevc ??= new Promise((tell) => {
    const video = document.createElement("video");
    const context = document.createElement("canvas").getContext("2d");
    const alpha = (/** @type {number} */ x) => context?.getImageData(x, 32, 1, 1).data[3] ?? 0;
    video.onloadeddata = () => {
      context?.drawImage(video, 0, 0);
      tell(alpha(16) < 64 && alpha(48) > 191);
    };
    video.onerror = () => tell(false);
    setTimeout(tell, 2000, WEBKIT);
    video.muted = video.playsInline = true;
    video.src = PROBE;
    video.play()?.catch(() => {});
  });
  return hevc;
};

/** @type {typeof HTMLElement} */
const Base = globalThis.HTMLElement ?? class {};

/** `<clearcut-video>`: attributes and events are those of `<video>`. */
export class ClearcutVideo extends Base {
  static observedAttributes = ["src", "poster", "loop", "muted", "playsinline", "crossorigin"];

  /** For all that has no method here. */
  video = document.createElement("video");
  /** @type {keyof typeof TYPES} */
  kind = "stacked";
  #canvas = document.createElement("canvas");
  /** @type {WebGLRenderingContext | null | undefined} */
  #gl;
  /** @type {{ src: string, type: string }[]} */
  #rest = [];
  #chosen = "";
  #wanted = false;
  #seen = false;
  #watch = new IntersectionObserver((entries) => {
    this.#seen = entries[entries.length - 1].isIntersecting;
    this.#settle().catch(() => {});
  });

  constructor() {
    super();
    const { video } = this;
    const canvas = this.#canvas;
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    const slot = document.createElement("slot");
    slot.onslotchange = () => this.#choose();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(canvas, video, slot);
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.#prepare());
    video.onerror = () => this.#next();
    video.onended = () => {
      this.#wanted = false;
    };
    for (const type of EVENTS.split(" "))
      video.addEventListener(type, () => {
        if (/data$|seeked/.test(type)) this.#draw();
        this.dispatchEvent(new Event(type));
      });
    const tells = Boolean(video.requestVideoFrameCallback);
    const follow = () => {
      this.#draw();
      if (tells) video.requestVideoFrameCallback(follow);
      else if (!video.paused) requestAnimationFrame(follow);
    };
    if (tells) follow();
    else video.onplay = follow;
  }

  connectedCallback() {
    this.#watch.observe(this);
    this.#choose();
  }

  disconnectedCallback() {
    this.#watch.disconnect();
    this.#seen = false;
    this.#settle();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    const value = this.getAttribute(name);
    if (name === "src") this.#choose();
    else if (name === "muted") this.video.muted = value !== null;
    else if (value === null) this.video.removeAttribute(name);
    else this.video.setAttribute(name, value);
  }

  /** Plays as soon as the element is on the screen. */
  play() {
    this.#wanted = true;
    return this.#settle();
  }

  pause() {
    this.#wanted = false;
    this.#settle();
  }

  get paused() {
    return this.video.paused;
  }

  get duration() {
    return this.video.duration;
  }

  get currentTime() {
    return this.video.currentTime;
  }

  set currentTime(seconds) {
    this.video.currentTime = seconds;
  }

  get videoWidth() {
    return this.video.videoWidth;
  }

  /** Height of the visible frame: of one half where the file stacks two. */
  get videoHeight() {
    return this.video.videoHeight / (this.kind === "stacked" ? 2 : 1);
  }

  async #settle() {
    if (this.#wanted && this.#seen) await this.video.play();
    else this.video.pause();
  }

  #choose() {
    const src = this.getAttribute("src");
    const all = src ? [{ src, type: "" }] : [...this.querySelectorAll("source")];
    const chosen = all.map(({ src, type }) => src + type).join();
    if (!this.isConnected || chosen === this.#chosen) return;
    this.#chosen = chosen;
    this.#rest = all;
    this.#wanted = this.hasAttribute("autoplay") && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (chosen) this.#next();
  }

  /** @returns {Promise<unknown>} */
  async #next() {
    const { video } = this;
    const rest = this.#rest;
    const source = rest.shift();
    if (!source) return this.dispatchEvent(new Event("error"));
    const said = source.type + source.src.split(/[?#]/)[0].split("/").pop();
    const kind = /webm/.test(said) ? "webm" : /hvc1|\.mov$/.test(said) ? "hevc" : "stacked";
    const stacked = kind === "stacked";
    if (!video.canPlayType(TYPES[kind])) return this.#next();
    const shown = stacked ? this.#gl || this.#prepare() : kind === "webm" ? !WEBKIT : await showsHevc();
    if (rest !== this.#rest) return;
    if (!shown) return this.#next();
    this.kind = kind;
    video.hidden = stacked;
    this.#canvas.hidden = !stacked;
    if (stacked) video.crossOrigin ??= "anonymous";
    const poster = this.getAttribute("poster");
    if (poster) this.#canvas.style.background = `url(${JSON.stringify(poster)}) 50%/contain no-repeat`;
    video.src = source.src;
    this.#settle().catch(() => {});
  }

  #prepare() {
    const open = (/** @type {"webgl"} */ name) => this.#canvas.getContext(name, { antialias: false, depth: false });
    // @ts-expect-error It is a superset.
    const gl = open("webgl2") ?? open("webgl");
    this.#gl = gl;
    if (!gl) return false;
    const program = gl.createProgram();
    for (const text of [VERTEX, FRAGMENT]) {
      const kind = text === VERTEX ? gl.VERTEX_SHADER : gl.FRAGMENT_SHADER;
      const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "p");
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    // Pixel for pixel: nothing blends over the seam.
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    this.#draw();
    return true;
  }

  #draw() {
    const gl = this.#gl;
    if (this.kind !== "stacked" || !gl || this.video.readyState < 2) return;
    const canvas = this.#canvas;
    const { videoWidth: width, videoHeight: height } = this;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.style.background = "";
    gl.viewport(0, 0, width, height);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, this.video);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}

if (globalThis.customElements && !customElements.get("clearcut-video"))
  customElements.define("clearcut-video", ClearcutVideo);
