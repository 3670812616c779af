// Draws stacked frames with their transparency. One WebGL context serves all elements of a page, because browsers allow only about
// sixteen: each frame is composited on its hidden canvas, and copied to the 2D canvas of its element.

/** A stacked frame is one texture: color from 0, matte from 0.5. */
const VERTEX = "attribute vec2 p;varying vec2 c;void main(){c=vec2(.5+.5*p.x,.25-.25*p.y);gl_Position=vec4(p,0,1);}";
/** Straight color to premultiplied. */
const FRAGMENT =
  "precision highp float;uniform sampler2D f;varying vec2 c;" +
  "void main(){float a=texture2D(f,c+vec2(0,.5)).r;gl_FragColor=vec4(texture2D(f,c).rgb*a,a);}";

/** @type {WebGLRenderingContext | null | undefined} */
let shared;

/** Called when a lost context is back: draw the frame that is shown. @type {Set<() => void>} */
export const redraws = new Set();

/** Whether stacked frames can be drawn here. */
export function isAvailable() {
  shared ??= open();
  return Boolean(shared);
}

/**
 * Draws the current frame of a stacked video. Returns false if it could not: there is no frame, or the context is lost.
 * @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas gets the size of the visible frame
 */
export function composite(video, canvas) {
  const { videoWidth: width, videoHeight } = video;
  const height = Math.floor(videoHeight / 2);
  const target = canvas.getContext("2d");
  if (video.readyState < 2 || !width || !isAvailable() || !target) return false;
  const gl = /** @type {WebGLRenderingContext} */ (shared);
  if (gl.isContextLost()) return false;
  resize(gl.canvas, width, height);
  resize(canvas, width, height);
  gl.viewport(0, 0, width, height);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, video);
  gl.drawArrays(gl.TRIANGLES, 0, 3);
  target.globalCompositeOperation = "copy";
  target.drawImage(gl.canvas, 0, 0);
  return true;
}

/** @param {HTMLCanvasElement | OffscreenCanvas} canvas @param {number} width @param {number} height */
function resize(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

function open() {
  const canvas = document.createElement("canvas");
  const get = (/** @type {"webgl"} */ name) => canvas.getContext(name, { antialias: false, depth: false });
  // @ts-expect-error It is a superset.
  const gl = get("webgl2") ?? get("webgl");
  if (!gl) return null;
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    prepare(gl);
    for (const redraw of redraws) redraw();
  });
  prepare(gl);
  return gl;
}

/** @param {WebGLRenderingContext} gl */
function prepare(gl) {
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
}
