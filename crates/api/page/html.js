// Makes elements. Texts become text nodes, so that the name of a clip is never read as markup.

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element with `props` (attributes where there is a dash in the name, else properties) and `children`.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{ [name: string]: unknown }} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === "class") element.className = String(value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, String(value));
    else Object.assign(element, { [name]: value });
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An icon of the page's sprite, hidden from screen readers: a text says what it means. @param {string} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(space, "use"));
  svg.firstElementChild?.setAttribute("href", `#icon-${name}`);
  return svg;
}

/** A button with an icon and a label; `isBare` shows the icon alone. */
export const button = (
  /** @type {string} */ label,
  /** @type {() => unknown} */ onclick,
  /** @type {{ icon?: string, class?: string, isBare?: boolean }} */ {
    icon: name,
    class: kind = "",
    isBare = false,
  } = {},
) =>
  h(
    "button",
    {
      type: "button",
      class: `${kind}${isBare ? " bare" : ""}`,
      onclick,
      ...(isBare && { "aria-label": label, title: label }),
    },
    name && icon(name),
    !isBare && label,
  );

let counted = 0;

/** An id that nothing else on the page has. */
export function uniqueId() {
  counted += 1;
  return `u${counted}`;
}
