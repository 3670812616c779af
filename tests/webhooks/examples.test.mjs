// The TypeScript of docs/guides/webhooks.md, type-checked and run as it stands, but for its port.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Webhook } from "standardwebhooks";
import ts from "typescript";

const here = fileURLToPath(new URL(".", import.meta.url));
const secret = `whsec_${Buffer.from("0123456789abcdefghijklmn").toString("base64")}`;

test("the example in the documentation has no type errors, takes what is signed and refuses what is not", {
  timeout: 60_000,
}, async () => {
  const text = await readFile(join(here, "../../docs/guides/webhooks.md"), "utf8");
  const example = text.match(/```ts\n(.*?)```/s)[1];
  const folder = await mkdtemp(join(here, "example-"));
  try {
    await writeFile(join(folder, "hook.ts"), example);
    const checked = spawnSync(join(here, "node_modules/.bin/tsc"), [
      "--noEmit",
      "--strict",
      "--target",
      "es2022",
      "--module",
      "nodenext",
      "--skipLibCheck",
      join(folder, "hook.ts"),
    ]);
    assert.equal(checked.status, 0, checked.stdout.toString());
    const script = ts.transpile(example, { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 });
    assert.ok(script.includes("listen(3000)"));
    const listening = script.replace(
      "listen(3000)",
      'listen(0, "127.0.0.1", function () { console.log(this.address().port) })',
    );
    await writeFile(join(folder, "hook.mjs"), listening);
    const env = { ...process.env, CLEARCUT_WEBHOOK_SECRET: secret };
    const hook = spawn(process.execPath, [join(folder, "hook.mjs")], { env, stdio: ["ignore", "pipe", "inherit"] });
    const lines = [];
    const line = () =>
      new Promise((ready) =>
        lines.length ? ready(lines.shift()) : hook.stdout.once("data", (data) => ready(data.toString().trim())),
      );
    try {
      const url = `http://127.0.0.1:${await line()}/`;
      const body = JSON.stringify({
        type: "job.completed",
        timestamp: "",
        data: { jobId: "jd1", result: { outputs: [] } },
      });
      const at = new Date();
      const headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": String(Math.floor(at / 1000)),
        "webhook-signature": new Webhook(secret).sign("msg_1", at, body),
      };
      const said = line();
      assert.equal((await fetch(url, { method: "POST", body, headers })).status, 204);
      assert.match(await said, /^jd1 \[\]$/);
      assert.equal((await fetch(url, { method: "POST", body: `${body} `, headers })).status, 401);
    } finally {
      hook.kill();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
