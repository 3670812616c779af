// Client for a clearcut server, for Node and browsers.
export { Clearcut } from "./client.js";
export { ClearcutError, JobFailedError, WebhookVerificationError } from "./errors.js";
export type { components, paths } from "./schema.js";
export type { Connection } from "./transport.js";
export type * from "./types.js";
export { type VerifyOptions, verifyWebhook, type WebhookEvent, type WebhookHeaders } from "./webhook.js";
