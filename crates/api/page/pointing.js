// Points of a frame, in shares of its width and height, from a pointer or the arrow keys.

/** @typedef {{ x: number, y: number }} Point */

/** Where `event` is on `element`. @param {PointerEvent | MouseEvent} event @param {Element} element @returns {Point} */
export function pointOf(event, element) {
  const box = element.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

/** `point` after an arrow key, with Shift a larger step; null after any other key. @param {KeyboardEvent} event @param {Point} point @returns {Point | null} */
export function steered({ key, shiftKey }, { x, y }) {
  const step = shiftKey ? 0.1 : 0.01;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const [right, down] = moves[/** @type {keyof typeof moves} */ (key)] ?? [];
  if (right === undefined || down === undefined) return null;
  const inside = (/** @type {number} */ value) => Math.min(0.999, Math.max(0, value));
  return { x: inside(x + right), y: inside(y + down) };
}

/** Puts `mark` at `point` of what it lies in. @param {HTMLElement} mark @param {Point} point */
export function put(mark, { x, y }) {
  mark.style.left = `${x * 100}%`;
  mark.style.top = `${y * 100}%`;
}
