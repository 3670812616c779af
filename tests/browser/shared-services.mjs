// A server on PostgreSQL and an S3-compatible store, which scripts/with-services.sh starts beside the tests. A browser reads results
// from the store, as the CORS rule of docs/guides/cluster.md lets it.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root, startServer } from "../server/harness.mjs";

/** Names of the database and of the bucket that the tests make. */
const NAME = `browser-${process.pid}`;
/** A prefix that looks like a format: only the file's name may tell one. */
const PREFIX = "webm";

function given(variable) {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set; scripts/with-services.sh runs a command with it`);
  return value;
}

/** A server whose results lie in a store. `beside` starts another on the same database and store. */
export async function startClusterServer() {
  const [postgres, storeOrigin] = [given("CLEARCUT_TEST_POSTGRES"), given("CLEARCUT_TEST_S3")];
  const sql = (words) => execFileSync("psql", ["-q", "-h", postgres, "-U", "postgres", "-c", words]);
  sql(`CREATE DATABASE "${NAME}"`);
  ask(storeOrigin, "PUT");
  allowPages(storeOrigin, await documentedRules());
  const variables = {
    CLEARCUT_DATABASE: `postgres://postgres@localhost/${NAME}?host=${postgres}`,
    CLEARCUT_STORE: `s3://${NAME}/${PREFIX}`,
    AWS_ENDPOINT_URL: storeOrigin,
    AWS_ALLOW_HTTP: "true",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: "us-east-1",
  };
  const server = await startServer([], variables);
  const stop = async () => {
    await server.stop();
    sql(`DROP DATABASE "${NAME}" WITH (FORCE)`);
    // SeaweedFS removes the objects with it; a bucket takes several of its volumes.
    ask(storeOrigin, "DELETE");
  };
  return { ...server, stop, storeOrigin, variables, beside: (flags) => startServer(flags, variables) };
}

/** The CORS rules that operators are told to set. */
export async function documentedRules() {
  const guide = await readFile(join(root, "docs/guides/cluster.md"), "utf8");
  return JSON.parse(guide.match(/\{"CORSRules": .*?(?=\nJSON\n)/s)[0]).CORSRules;
}

/** Sets the CORS rules of the bucket. */
export function allowPages(storeOrigin, rules) {
  const elements = (rule) =>
    Object.entries(rule).flatMap(([name, values]) => {
      const element = name.replace(/^(Allowed\w+)s$/, "$1");
      return [values].flat().map((value) => `<${element}>${value}</${element}>`);
    });
  const xml = rules.map((rule) => `<CORSRule>${elements(rule).join("")}</CORSRule>`);
  ask(storeOrigin, "PUT", "?cors=", `<CORSConfiguration>${xml.join("")}</CORSConfiguration>`);
}

/** Sends a signed request to the bucket. */
function ask(storeOrigin, method, query = "", body = "") {
  const signed = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "test:test"];
  const headers = [
    "Content-Type: application/xml",
    `X-Amz-Content-Sha256: ${createHash("sha256").update(body).digest("hex")}`,
  ];
  const words = [
    ...headers.flatMap((header) => ["-H", header]),
    "--data-binary",
    "@-",
    `${storeOrigin}/${NAME}${query}`,
  ];
  execFileSync("curl", ["-sSf", "--max-time", "10", ...signed, "-X", method, ...words], { input: body });
}
