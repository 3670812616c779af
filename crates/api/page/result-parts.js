// What the results of clips and of images have in common.
import { ownAddress } from "./client.js";
import { button, h, icon } from "./html.js";
import { limitOf } from "./presets.js";
import { ResultHead } from "./result-head.js";
import { formatBytes, formatShare } from "./texts.js";

/** @typedef {import("./client.js").Output} Output */

/**
 * The head of a result, which fires `change-options` and `remove`.
 * @param {import("./item.js").Item} item @param {string} about @param {HTMLElement | null} [main]
 */
export const resultHead = (item, about, main = null) => Object.assign(new ResultHead(), { item, about, main });

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
    const limit = limitOf(item.options);
    const isKept = limit !== null && output.size <= limit;
    const size = limit === null ? formatBytes(output.size) : formatShare(output.size, limit);
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
    const text = h(
      "div",
      {},
      h("b", {}, name),
      h(
        "span",
        { class: "size" },
        size,
        isKept && h("span", { class: "kept", role: "img", "aria-label": ", within the limit" }, " ✓"),
      ),
      h("p", { class: "hint" }, plays),
    );
    return h("li", {}, text, link);
  });
  return h("section", { class: "files" }, h("h3", {}, "Files"), h("ul", {}, ...rows), problem);
}

/**
 * The main button of a result: downloads its only file, or all as a ZIP.
 * @param {import("./item.js").Item} item @param {import("./client.js").Client} client
 * @param {HTMLElement} files its list of files @param {(output: Output) => string} nameOf the name of each file in the ZIP
 */
export function mainDownload(item, client, files, nameOf) {
  const outputs = outputsOf(item);
  if (outputs.length === 1)
    return button("Download", () => files.querySelector("a")?.click(), { class: "primary", icon: "down" });
  const act = async () => {
    all.disabled = true;
    all.lastChild?.replaceWith("Making the ZIP…");
    await item.downloadAll(client, nameOf);
    all.disabled = false;
    all.lastChild?.replaceWith("Download all");
  };
  const all = button("Download all", act, { class: "primary", icon: "down" });
  all.title = `All ${outputs.length} files as a ZIP`;
  return all;
}

/** @param {import("./item.js").Item} item */
const outputsOf = (item) => item.job?.result?.outputs ?? [];
