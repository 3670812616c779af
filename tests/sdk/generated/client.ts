// Uploads a clip, submits it, waits and downloads, through types that openapi-typescript generated from openapi.json:
// node client.js BASE_URL API_KEY CLIP OUT
import { readFile, writeFile } from "node:fs/promises";

import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

type Job = components["schemas"]["Job"];
type FileFormat = components["schemas"]["FileFormat"];

const [baseUrl = "", key = "", clip = "", out = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

const begun = await client.POST("/api/v1/uploads", { body: {} });
if (begun.error) throw new Error(begun.error.error.message);
const { storageId, uploadUrl } = begun.data.data;
await fetch(uploadUrl, { method: "PUT", body: new Uint8Array(await readFile(clip)) });

const submitted = await client.POST("/api/v1/jobs/video/remove-background", {
  body: { inputStorageId: storageId, format: "webm", size: 64, fps: "2" },
  bodySerializer: (body) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(body ?? {})) form.set(name, String(value));
    return form;
  },
});
if (submitted.error) throw new Error(`${submitted.error.error.code}: ${submitted.error.error.message}`);

let job: Job;
do {
  const read = await client.GET("/api/v1/jobs/{jobId}", {
    params: { path: { jobId: submitted.data.data.jobId }, query: { wait: 30 } },
  });
  if (read.error) throw new Error(read.error.error.message);
  job = read.data.data;
} while (job.status !== "completed" && job.status !== "failed");

if (!job.result) throw new Error(job.error?.code ?? "no result");
const file = await fetch(job.result.outputUrl);
await writeFile(out, new Uint8Array(await file.arrayBuffer()));
const format: FileFormat = job.result.outputFormat;
console.log(job.status, format, submitted.data.data.warnings.length);
