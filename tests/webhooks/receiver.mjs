// A real receiver on loopback: keeps what comes and answers as it is told.
import { createServer } from "node:http";

/** Answers the first requests with `answers`, one each, and all others with 204. */
export async function startReceiver(answers = []) {
  const received = [];
  const waiting = new Set();
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    const [status, headers = {}, body = ""] = answers.shift() ?? [204];
    response.writeHead(status, headers).end(body);
    for (const look of waiting) look();
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  /** The first request for which `wanted` holds. */
  const next = (wanted) =>
    new Promise((found, failed) => {
      const timer = setTimeout(
        () => failed(new Error(`did not come; came: ${received.map(({ body }) => body)}`)),
        60_000,
      );
      const look = () => {
        const match = received.find(({ headers, body }) => wanted(JSON.parse(body), headers));
        if (!match) return;
        waiting.delete(look);
        clearTimeout(timer);
        found(match);
      };
      waiting.add(look);
      look();
    });
  return {
    url: `http://127.0.0.1:${server.address().port}/hook?token=1`,
    received,
    next,
    stop: () => new Promise((closed) => server.close(closed)),
  };
}
