// Tells elements when they come near the viewport, and on it, with two observers for all of a page.

/** How far around the viewport an element is near: one viewport to each side. */
const NEAR = "100%";

/** @typedef {(isThere: boolean) => void} Tell */
/** @type {Map<string, { observer: IntersectionObserver, tells: WeakMap<Element, Tell> }>} */
const watches = new Map();

/** @param {string} rootMargin */
function watchOf(rootMargin) {
  const known = watches.get(rootMargin);
  if (known) return known;
  /** @type {WeakMap<Element, Tell>} */
  const tells = new WeakMap();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) tells.get(target)?.(isIntersecting);
    },
    { rootMargin },
  );
  const watch = { observer, tells };
  watches.set(rootMargin, watch);
  return watch;
}

/** @param {Element} element @param {Tell} near @param {Tell} seen */
export function follow(element, near, seen) {
  for (const [margin, tell] of /** @type {const} */ ([
    [NEAR, near],
    ["0px", seen],
  ])) {
    const { observer, tells } = watchOf(margin);
    tells.set(element, tell);
    observer.observe(element);
  }
}

/** @param {Element} element */
export function unfollow(element) {
  for (const { observer, tells } of watches.values()) {
    observer.unobserve(element);
    tells.delete(element);
  }
}
