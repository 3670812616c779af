// Pieces of code in several languages, one at a time.
import { button, h, uniqueId } from "./html.js";

/** `<code-tabs>`: a tab for each of `samples`, and a button that copies the code that is shown. */
export class CodeTabs extends HTMLElement {
  /** Language and code. @type {[label: string, code: string][]} */
  samples = [];
  heading = "";
  #chosen = 0;

  connectedCallback() {
    this.show();
  }

  /** Shows `samples` as they are now. */
  show() {
    const group = uniqueId();
    const tabs = this.samples.map(([label, code], index) => {
      const tab = h(
        "button",
        { type: "button", id: `${group}-${index}`, role: "tab", "aria-controls": `${group}-panel` },
        label,
      );
      tab.onclick = () => choose(index);
      tab.onkeydown = ({ key }) => {
        const to = key === "ArrowRight" ? index + 1 : key === "ArrowLeft" ? index - 1 : null;
        if (to !== null) choose((to + tabs.length) % tabs.length).focus();
      };
      return { tab, code };
    });
    const text = h("code", {});
    const panel = h("pre", { id: `${group}-panel`, role: "tabpanel", tabIndex: 0 }, text);
    const status = h("span", { role: "status", class: "hint" });
    const copy = button("Copy", async () => {
      await navigator.clipboard.writeText(text.textContent ?? "").then(
        () => (status.textContent = "Copied"),
        () => (status.textContent = "Select the text to copy it"),
      );
    });
    const choose = (/** @type {number} */ chosen) => {
      this.#chosen = chosen;
      for (const [index, { tab }] of tabs.entries()) {
        tab.setAttribute("aria-selected", String(index === chosen));
        tab.tabIndex = index === chosen ? 0 : -1;
      }
      text.textContent = tabs[chosen].code;
      panel.setAttribute("aria-labelledby", `${group}-${chosen}`);
      status.textContent = "";
      return tabs[chosen].tab;
    };
    choose(this.#chosen);
    this.replaceChildren(
      h("h3", {}, this.heading),
      h(
        "div",
        { class: "row spread" },
        h("div", { role: "tablist", "aria-label": "Language", class: "tabs" }, ...tabs.map(({ tab }) => tab)),
        h("div", { class: "row" }, status, copy),
      ),
      panel,
    );
  }
}

customElements.define("code-tabs", CodeTabs);
