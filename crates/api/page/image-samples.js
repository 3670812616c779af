// The code that cuts the same images again.
import { imageFormOf, storedImageOptions } from "./image-options.js";
import { quoted } from "./texts.js";

/** As many images are named in the code; more are sent as a ZIP. */
const NAMED = 4;

/** The cut of a set in curl, TypeScript and Python. @param {import("./image-set.js").ImageSet} set @returns {[label: string, code: string][]} */
export function samplesOf(set) {
  const names = set.isZip ? [set.name] : (set.job?.result?.images ?? []).map(({ name }) => name ?? set.name);
  const files = names.length > NAMED ? ["images.zip"] : names;
  const fields = [...imageFormOf(set.options ?? storedImageOptions(), set.keyColor)].map(
    ([name, value]) => /** @type {[string, string]} */ ([name, String(value)]),
  );
  const result = set.job?.result?.outputs[0].format === "zip" ? "cuts.zip" : "cut.png";
  return [
    ["curl", curl(fields, files)],
    ["TypeScript", typescript(fields, files, result)],
    ["Python", python(fields, files, result)],
  ];
}

/** @param {[string, string][]} fields @param {string[]} files */
function curl(fields, files) {
  return [
    'curl -H "Authorization: Bearer $CLEARCUT_KEY" \\',
    ...fields.map(([name, value]) => `  -F ${quoted(`${name}=${value}`)} \\`),
    ...files.map((file) => `  -F ${quoted(`file=@${file}`)} \\`),
    `  ${location.origin}/api/v1/jobs/image/remove-background`,
    "",
    "# Then, with the jobId of the answer, until its status is completed:",
    `curl -H "Authorization: Bearer $CLEARCUT_KEY" "${location.origin}/api/v1/jobs/$JOB_ID?wait=60"`,
  ].join("\n");
}

/** A value as code: numbers and truth values without quotes. @param {string} value */
const literal = (value) => (/^(\d+|true|false)$/.test(value) ? value : JSON.stringify(value));

/** @param {[string, string][]} fields @param {string[]} files @param {string} result */
function typescript(fields, files, result) {
  const images = files.map((file) => `await openClip(${JSON.stringify(file)})`);
  return `import { Clearcut } from "clearcut-client";
import { openClip, saveOutput } from "clearcut-client/node";

const client = new Clearcut({ baseUrl: ${JSON.stringify(location.origin)}, apiKey: process.env.CLEARCUT_KEY });
const images = [${images.join(", ")}];
const { jobId } = await client.submitImages(images, {
${fields.map(([name, value]) => `  ${name}: ${literal(value)},`).join("\n")}
});
await client.wait(jobId);
await saveOutput(client, jobId, ${JSON.stringify(result)});`;
}

/** @param {[string, string][]} fields @param {string[]} files @param {string} result */
function python(fields, files, result) {
  const snake = (/** @type {string} */ name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const value = (/** @type {string} */ text) => literal(text).replace("true", "True").replace("false", "False");
  const words = fields.map(([name, text]) => `${snake(name)}=${value(text)}`);
  return `import os
from clearcut_client import Clearcut

with Clearcut(${JSON.stringify(location.origin)}, os.environ["CLEARCUT_KEY"]) as client:
    images = ${JSON.stringify(files)}
    job = client.submit_images(images, ${words.join(", ")})
    client.wait(job.job_id)
    client.download(job.job_id, ${JSON.stringify(result)})`;
}
