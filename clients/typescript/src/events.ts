// Server-sent events from a reply to `fetch`. Unlike `EventSource`, it sends the API key.

/** One event. */
export interface ServerSentEvent {
  id: string | undefined;
  data: string;
}

/** Longest silence on a stream: the server sends a heartbeat every 15 seconds. */
const MAX_SILENCE_MS = 45_000;

/** The events of a reply, until it ends or is silent for too long. */
export async function* serverSentEvents(reply: Response): AsyncGenerator<ServerSentEvent> {
  if (!reply.body) return;
  let id: string | undefined;
  let data: string[] = [];
  for await (const line of lines(reply.body)) {
    if (line === "") {
      if (data.length > 0) yield { id, data: data.join("\n") };
      data = [];
    } else if (!line.startsWith(":")) {
      const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === "data") data.push(value);
      else if (field === "id") id = value;
    }
  }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read());
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const found = rest.split(/\r\n|\n/);
      rest = found.pop() ?? "";
      yield* found;
    }
  } finally {
    // The stream may be broken already.
    await reader.cancel().catch(() => undefined);
  }
}

async function withinSilence<T>(reading: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error("the stream is silent")), MAX_SILENCE_MS);
  });
  try {
    return await Promise.race([reading, silence]);
  } finally {
    clearTimeout(timer);
  }
}
