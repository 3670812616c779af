// Verification of webhooks by the rules of Standard Webhooks, with the cryptography that browsers and Node share.
import { WebhookVerificationError } from "./errors.js";
import type { Job } from "./types.js";

/** What a webhook says. */
export type WebhookEvent =
  | { type: "job.started" | "job.completed" | "job.failed"; timestamp: string; data: Job }
  | { type: "webhook.test"; timestamp: string; data: Record<string, unknown> };

/** The headers of a request: of `fetch`, of Node, or any record. */
export type WebhookHeaders = Headers | Record<string, string | string[] | undefined>;

/** Options of a verification. */
export interface VerifyOptions {
  /** Seconds that a request may be older or newer than the clock of this machine. Default: 300. */
  tolerance?: number;
}

/**
 * The event of a request that was signed with the secret, `whsec_…`. `body` is the body as it arrived, before it is parsed.
 * Throws a `WebhookVerificationError` if it was signed with another secret, was changed, or is too old.
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string,
  { tolerance = 300 }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) =>
    header(headers, name),
  ) as [string, string, string];
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!/^\d+$/.test(timestamp) || age > tolerance)
    throw new WebhookVerificationError("the timestamp is too old or too new");
  const key = await crypto.subtle.importKey("raw", keyOf(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = new Uint8Array([...new TextEncoder().encode(`${id}.${timestamp}.`), ...bytes]);
  // While a secret rotates, a request has two signatures. The comparison takes the same time for any signature.
  for (const signature of signatures.split(" ")) {
    const [version, value = ""] = signature.split(",");
    if (version !== "v1") continue;
    const given = fromBase64(value);
    if (given && (await crypto.subtle.verify("HMAC", key, given, signed)))
      return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
  }
  throw new WebhookVerificationError("no signature fits the secret");
}

function header(headers: WebhookHeaders, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : ownHeader(headers, name);
  if (typeof value !== "string") throw new WebhookVerificationError(`the header ${name} is missing`);
  return value;
}

const ownHeader = (headers: Record<string, string | string[] | undefined>, name: string) =>
  headers[name] ?? Object.entries(headers).find(([other]) => other.toLowerCase() === name)?.[1];

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = fromBase64(secret.replace(/^whsec_/, ""));
  if (!key?.length) throw new WebhookVerificationError("the secret is not of the form whsec_…");
  return key;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
