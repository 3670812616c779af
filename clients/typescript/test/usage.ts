// Programs as users write them; they are compiled, not run.
import { writeFile } from "node:fs/promises";
import { Clearcut, ClearcutError, type Job, JobFailedError, verifyWebhook } from "clearcut-client";
import { openClip, openFolder, saveOutput } from "clearcut-client/node";

export async function cutFile(path: string): Promise<Job> {
  const client = new Clearcut({ baseUrl: "http://127.0.0.1:8787", apiKey: "hc_" });
  const { jobId } = await client.submit(await openClip(path), { formats: ["webm", "mov"], chromaKey: "#00FF00" });
  try {
    const job = await client.wait(jobId, { onProgress: (now) => console.log(now.progress, now.stage) });
    await saveOutput(client, jobId, "cut.webm", "webm");
    for (const output of job.result?.outputs ?? []) console.log(output.format, output.size);
    return job;
  } catch (error) {
    if (error instanceof JobFailedError) console.error(error.code, error.job.jobId);
    else if (error instanceof ClearcutError) console.error(error.status, error.details.field);
    throw error;
  }
}

export async function cutImage(path: string): Promise<Blob> {
  const client = new Clearcut({ baseUrl: "http://127.0.0.1:8787", apiKey: "hc_" });
  const photo = await openClip(path);
  const { hex } = await client.detectBackgroundColor(photo);
  const { png, method } = await client.removeImageBackground(photo, { chromaKey: hex, smoothEdges: true });
  await writeFile("photo.png", new Uint8Array(await png.arrayBuffer()));
  const { blob } = await client.thumbnail(png, { size: "small" });
  const { sizes } = await client.emoticons({ url: "https://example.com/logo.png" }, { sizes: [32] });
  console.log(method, sizes[0]?.webp.size);
  return blob;
}

export async function cutFolder(folder: string): Promise<void> {
  const client = new Clearcut({ baseUrl: "http://127.0.0.1:8787", apiKey: "hc_" });
  const { jobId } = await client.submitImages(await openFolder(folder));
  const { result } = await client.wait(jobId);
  await saveOutput(client, jobId, "photos.zip");
  for (const { name, error } of result?.images ?? []) if (error) console.error(name, error.message);
}

export async function receive(request: Request, secret: string): Promise<string | undefined> {
  const event = await verifyWebhook(await request.text(), request.headers, secret);
  return event.type === "job.completed" ? event.data.result?.outputUrl : undefined;
}

// @ts-expect-error: no such format
new Clearcut({ baseUrl: "http://127.0.0.1", apiKey: "hc_" }).submit(new Blob(), { formats: ["avi"] });

// @ts-expect-error: no such fit
new Clearcut({ baseUrl: "http://127.0.0.1", apiKey: "hc_" }).resizeImage(new Blob(), { fit: "stretch" });
