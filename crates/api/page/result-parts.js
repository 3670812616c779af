// What the results of clips and of images have in common.
import { ownAddress } from "./client.js";
import { button, h, icon } from "./html.js";
import { formatBytes } from "./texts.js";

/** @typedef {import("./client.js").Output} Output */

/**
 * The name of an item, a line about it, and what can be done with it: fires `change-options` and `remove` on `view`.
 * @param {HTMLElement} view @param {import("./item.js").Item} item @param {string} about
 */
export function resultHead(view, item, about) {
  const tell = (/** @type {string} */ type) => () => view.dispatchEvent(new Event(type));
  return h(
    "header",
    { class: "row spread result-head" },
    h("div", {}, h("h2", {}, item.name), h("p", { class: "hint" }, about)),
    h(
      "div",
      { class: "row" },
      item.canBeSent && button("Other options", tell("change-options")),
      button("Remove", tell("remove"), { class: "quiet" }),
    ),
  );
}

/** @param {string} sentence why there is nothing to show */
export const nothing = (sentence) => h("p", { class: "panel hint" }, sentence);

/** What a person should look at. @param {(Node | string)[]} items of a list */
export const worthALook = (items) =>
  h(
    "aside",
    { class: "warnings", role: "note" },
    icon("alert"),
    h("div", {}, h("b", {}, "Worth a look"), h("ul", {}, ...items)),
  );

/**
 * A row for each output: its name, its size, how it is used, and a link, which is got anew when it is old.
 * @param {import("./item.js").Item} item @param {import("./client.js").Client} client
 * @param {(output: Output) => { name: string, plays: string }} describe
 */
export function fileList(item, client, describe) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const rows = outputsOf(item).map((output) => {
    const { name, plays } = describe(output);
    const size = formatBytes(output.size);
    const link = h(
      "a",
      {
        href: ownAddress(output.url),
        // The server names it, after the clip.
        download: "",
        class: "button",
        "aria-label": `Download ${name}, ${size}`,
      },
      icon("down"),
      "Download",
    );
    link.onclick = async (event) => {
      if (item.hasNewLinks) return;
      event.preventDefault();
      const isNew = await item.refresh(client);
      problem.textContent = item.problem;
      problem.hidden = isNew;
      const fresh = outputsOf(item).find(({ format }) => format === output.format);
      // Another view takes the place of this one if the file is gone.
      if (!isNew || !fresh || !link.isConnected) return;
      link.href = ownAddress(fresh.url);
      link.click();
    };
    const text = h("div", {}, h("b", {}, name), h("span", { class: "size" }, size), h("p", { class: "hint" }, plays));
    return h("li", {}, text, link);
  });
  return h("section", { class: "files" }, h("h3", {}, "Files"), h("ul", {}, ...rows), problem);
}

/** @param {import("./item.js").Item} item */
const outputsOf = (item) => item.job?.result?.outputs ?? [];
