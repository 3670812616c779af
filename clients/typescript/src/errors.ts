// What the methods of the client throw.
import type { Job } from "./types.js";

/** The server refused a request. */
export class ClearcutError extends Error {
  override name = "ClearcutError";

  constructor(
    /** HTTP status. */
    readonly status: number,
    /** Stable code, such as `INVALID_TOLERANCE`. */
    readonly code: string,
    message: string,
    /** More about it, such as `field` and `allowed`. */
    readonly details: Record<string, unknown> = {},
    /** Seconds after which to try again, if the server said so. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** A job ended without outputs. */
export class JobFailedError extends Error {
  override name = "JobFailedError";
  /** Stable code, such as `INVALID_VIDEO` or `JOB_CANCELLED`. */
  readonly code: string;

  constructor(
    /** The job. */
    readonly job: Job,
  ) {
    super(job.error?.message ?? "the job failed");
    this.code = job.error?.code ?? "PROCESSING_FAILED";
  }
}

/** A request does not come from the server whose secret is known, was changed, or is too old. */
export class WebhookVerificationError extends Error {
  override name = "WebhookVerificationError";
}
