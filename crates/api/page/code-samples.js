// The code that makes the same cut again.

import { Clip } from "./clip.js";
import { CodeTabs } from "./code-tabs.js";
import { formOf } from "./cut-form.js";
import { storedOptions } from "./cut-options.js";
import { edgeColorOf } from "./edge-color.js";
import { FORMATS, outputName, quoted } from "./texts.js";

/** @typedef {import("./cut-options.js").Options} Options */
/** @typedef {import("./clip.js").ClipSettings} ClipSettings */

/** `<code-samples>`: the cut of a clip in curl, TypeScript, HTML and on the command line. */
export class CodeSamples extends HTMLElement {
  clip = new Clip();

  connectedCallback() {
    const formats = this.clip.job?.result?.outputs.map(
      ({ format }) => /** @type {import("./texts.js").Format} */ (format),
    );
    const base = this.clip.options ?? storedOptions();
    const options = { ...base, ...(formats && { formats }) };
    const { name } = this.clip;
    const file = /\.\w{2,4}$/.test(name) ? name : "clip.mp4";
    const tabs = new CodeTabs();
    tabs.heading = "The same cut in code";
    tabs.samples = [
      ["curl", curl(options, this.clip, file)],
      ["TypeScript", typescript(options, this.clip, file)],
      ["HTML", html(options, file)],
      ["Command line", commandLine(options, this.clip, file)],
    ];
    this.replaceChildren(tabs);
  }
}

/** @param {Options} options @param {ClipSettings} settings @param {string} file */
function curl(options, settings, file) {
  const fields = [...formOf(options, settings)].map(([name, value]) => {
    const text = value instanceof File ? `@${value.name}` : value;
    return `  -F ${quoted(`${name}=${text}`)} \\`;
  });
  return [
    'curl -H "Authorization: Bearer $CLEARCUT_KEY" \\',
    `  -F ${quoted(`file=@${file}`)} \\`,
    ...fields,
    `  ${location.origin}/api/v1/jobs/video/remove-background`,
    "",
    "# Then, with the jobId of the answer, until its status is completed:",
    `curl -H "Authorization: Bearer $CLEARCUT_KEY" "${location.origin}/api/v1/jobs/$JOB_ID?wait=60"`,
  ].join("\n");
}

/** @param {Options} options @param {ClipSettings} settings @param {string} file */
function typescript(options, { keyColor: key, hints, trim, crop }, file) {
  const { fps, method } = options;
  const rgb = key && method !== "ai" && [1, 3, 5].map((at) => Number.parseInt(key.slice(at, at + 2), 16));
  const { preset, maxBytes } = options;
  const chosen = [
    `formats: ${JSON.stringify(options.formats)}`,
    // The published default is 24; `source` keeps every frame, which the SDK's type does not know.
    fps === "source" ? '// @ts-expect-error The SDK has no type for it.\n  fps: "source"' : `fps: ${fps}`,
    ...sidesOf(options).map(
      ([name, value]) =>
        `// @ts-expect-error The SDK has no type for it.\n  ${name}: ${name === "fit" ? JSON.stringify(value) : value}`,
    ),
    options.size && !options.width && !options.height && `size: ${options.size}`,
    maxBytes && `// @ts-expect-error The SDK has no type for it.\n  maxBytes: ${JSON.stringify(maxBytes)}`,
    `quality: ${options.quality}`,
    edgeColorOf(options) &&
      `// @ts-expect-error The SDK has no type for it.\n  edgeColor: ${JSON.stringify(edgeColorOf(options))}`,
    options.audio === "drop" && '// @ts-expect-error The SDK has no type for it.\n  audio: "drop"',
  ];
  const fields = [
    `file: await readFile(${JSON.stringify(file)})`,
    ...(preset ? [`// @ts-expect-error The SDK has no type for it.\n  preset: ${JSON.stringify(preset)}`] : chosen),
    method !== "ai" && `tolerance: ${options.tolerance}`,
    // A field of this server that the SDK passes on and has no type for.
    method !== "auto" && `// @ts-expect-error The SDK has no type for it.\n  method: ${JSON.stringify(method)}`,
    hints.length > 0 &&
      `// @ts-expect-error The SDK has no type for it.\n  hints: ${JSON.stringify(JSON.stringify(hints))}`,
    options.background &&
      `// @ts-expect-error The SDK has no type for it.\n  background: ${JSON.stringify(options.background)}`,
    options.backgroundFile &&
      `// background: the storageId of an upload of ${JSON.stringify(options.backgroundFile.name)}`,
    trim && `// @ts-expect-error The SDK has no type for it.\n  trim: ${JSON.stringify(trim)}`,
    options.tempo !== "1" &&
      `// @ts-expect-error The SDK has no type for it.\n  tempo: ${JSON.stringify(options.tempo)}`,
    options.loop && `// @ts-expect-error The SDK has no type for it.\n  loop: ${JSON.stringify(options.loop)}`,
    crop && `// @ts-expect-error The SDK has no type for it.\n  crop: ${JSON.stringify(crop)}`,
    rgb && `chromaKey: { r: ${rgb[0]}, g: ${rgb[1]}, b: ${rgb[2]} }`,
  ].filter(Boolean);
  return `import { readFile } from "node:fs/promises";
import { Hypervideo } from "@hypervideo-dev/sdk";

const client = new Hypervideo({ apiKey: process.env.CLEARCUT_KEY, baseUrl: ${JSON.stringify(location.origin)} });
const { jobId } = await client.jobs.submit({
${fields.map((field) => `  ${field},`).join("\n")}
});
const { result } = await client.jobs.poll(jobId);
console.log(result.outputs);`;
}

/** The width and height that are asked for, as names and values. @param {Options} options */
function sidesOf({ width, height, fit }) {
  const sides = { width, height, fit: width && height && fit !== "contain" ? fit : "" };
  return Object.entries(sides).filter(([, value]) => value);
}

/** @param {Options} options @param {string} file */
function html({ formats }, file) {
  const source = (/** @type {import("./texts.js").Format} */ format) => encodeURI(outputName(file, format));
  if (!formats.includes("stacked-alpha") && !formats.includes("webm")) {
    if (formats.includes("mp4")) return `<video src="${source("mp4")}" autoplay loop muted playsinline></video>`;
    const still = formats.find((format) => FORMATS[format].shows === "image");
    return still
      ? `<img src="${source(still)}" alt="…">`
      : "<!-- No browser shows these files. Make WebM and stacked MP4 for a page. -->";
  }
  const line = (/** @type {"webm" | "stacked-alpha"} */ format, /** @type {string} */ mime) =>
    formats.includes(format) ? `\n  <source src="${source(format)}" type="${mime}">` : "";
  return `<!-- ${location.origin}/page/clearcut-video.js is one file; put a copy beside your page. -->
<script type="module" src="clearcut-video.js"></script>

<clearcut-video autoplay loop muted playsinline role="img" aria-label="…">${line("webm", "video/webm")}${line("stacked-alpha", "video/mp4")}
</clearcut-video>`;
}

/** `text` as one word of a shell, in quotes if it needs them. @param {string} text */
const word = (text) => (/^[\w./,:-]+$/.test(text) ? text : quoted(text));

/** @param {Options} options @param {ClipSettings} settings @param {string} file */
function commandLine(options, { keyColor: key, hints, trim, crop }, file) {
  const { preset, maxBytes, formats, method, tolerance, fps, audio, size, quality } = options;
  const command = ["clearcut cut", word(file), preset ? `--preset ${preset}` : `--formats ${formats.join(",")}`];
  if (method !== "auto") command.push(`--method ${method}`);
  if (key && method !== "ai") command.push(`--key ${quoted(key.toUpperCase())}`);
  if (tolerance !== 30 && method !== "ai") command.push(`--tolerance ${tolerance}`);
  if (trim) command.push(`--trim ${word(trim)}`);
  if (crop) command.push(`--crop ${word(crop)}`);
  if (options.tempo !== "1") command.push(`--tempo ${options.tempo}`);
  if (options.loop) command.push(`--loop ${options.loop}`);
  const background = options.backgroundFile?.name ?? options.background;
  if (background) command.push(`--background ${word(background)}`);
  if (!preset) {
    if (fps !== "source") command.push(`--fps ${fps}`);
    if (audio === "drop") command.push("--no-audio");
    const sides = sidesOf(options);
    for (const [name, value] of sides) command.push(`--${name} ${value}`);
    if (size && sides.length === 0) command.push(`--size ${size}`);
    if (maxBytes) command.push(`--max-bytes ${word(maxBytes)}`);
    if (quality !== 60) command.push(`--quality ${quality}`);
    if (edgeColorOf(options)) command.push(`--edge-color ${quoted(edgeColorOf(options))}`);
  }
  for (const { kind, time, x, y } of hints) command.push(`--hint ${kind}@${time},${x},${y}`);
  return command.join(" ");
}

customElements.define("code-samples", CodeSamples);
