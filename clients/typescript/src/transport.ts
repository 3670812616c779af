// Requests to the server: authorization, the envelope of replies, and errors.
import { ClearcutError } from "./errors.js";

/** Where the server is and who asks. */
export interface Connection {
  /** Address of the server, such as `https://cuts.example.com`. */
  baseUrl: string | URL;
  /** API key, `hc_…`. */
  apiKey: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
}

export interface Call {
  method?: string;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  body?: BodyInit;
  json?: unknown;
  signal?: AbortSignal | undefined;
}

/** Sends requests with the API key. */
export class Transport {
  readonly #base: URL;
  readonly #apiKey: string;
  readonly #fetch: typeof fetch;

  constructor({ baseUrl, apiKey, fetch: ownFetch }: Connection) {
    this.#base = new URL(baseUrl);
    this.#apiKey = apiKey;
    this.#fetch = ownFetch ?? ((input, init) => fetch(input, init));
  }

  /** The `data` of a reply. */
  async call<T>(path: string, call: Call = {}): Promise<T> {
    const reply = await this.send(path, call);
    const { data } = (await reply.json()) as { data: T };
    return data;
  }

  /** A reply with a status of success. */
  async send(
    path: string,
    { method = "GET", query = {}, headers = {}, body, json, signal }: Call = {},
  ): Promise<Response> {
    const url = new URL(this.#base.pathname.replace(/\/$/, "") + path, this.#base);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, `${value}`);
    return await this.fetchUrl(url, {
      method,
      headers: {
        authorization: `Bearer ${this.#apiKey}`,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined ? { body: JSON.stringify(json) } : body !== undefined && { body }),
      ...(signal && { signal }),
    });
  }

  /** A reply from an address that needs no key, such as a signed link. */
  async fetchUrl(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const reply = await this.#fetch(url, init);
    if (!reply.ok) throw await errorOf(reply);
    return reply;
  }
}

async function errorOf(reply: Response): Promise<ClearcutError> {
  const retryAfter = Number(reply.headers.get("retry-after") ?? Number.NaN);
  const after = Number.isFinite(retryAfter) ? retryAfter : undefined;
  const text = await reply.text();
  try {
    const { code, message, details } = JSON.parse(text).error;
    return new ClearcutError(reply.status, code, message, details ?? {}, after);
  } catch {
    // Something between client and server answered.
    return new ClearcutError(reply.status, "UNEXPECTED_REPLY", `the reply has status ${reply.status}`, {}, after);
  }
}
