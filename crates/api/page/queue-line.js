// Keeps the places in the line true: a job that moves up says nothing by itself.

/** @typedef {import("./item.js").Item} Item */

/** Jobs of others move it, too. */
const LOOK_MS = 5000;

/** Reads the waiting jobs again when one of them starts, ends or joins, and every few seconds. */
export class QueueLine {
  #known = "";
  #timer = 0;

  /** @param {import("./client.js").Client} client @param {() => Item[]} items */
  constructor(client, items) {
    this.client = client;
    this.items = items;
  }

  /** Looks at the items after a change. */
  look() {
    const waiting = this.#waiting.map(({ job }) => job?.jobId).join();
    if (waiting === this.#known) return;
    this.#known = waiting;
    this.#read();
  }

  /** Stops looking. */
  leave() {
    clearTimeout(this.#timer);
  }

  get #waiting() {
    return this.items().filter(({ state }) => state === "waiting");
  }

  async #read() {
    clearTimeout(this.#timer);
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#timer = setTimeout(() => this.#read(), LOOK_MS);
    await Promise.all(waiting.map((item) => item.readPlace(this.client)));
  }
}
