// What mends a warning: the control of the options that it leads to.

/** A remedy: the label of its button, and the name of the control. @typedef {{ label: string, control: "tolerance" | "color" | "mark" | "size" }} Remedy */

/** @type {Remedy} */
const TOLERANCE = { label: "Change the tolerance", control: "tolerance" };
/** @type {Remedy} */
const COLOR = { label: "Choose the background color", control: "color" };
/** @type {Remedy} */
const MARK = { label: "Mark the place", control: "mark" };

/** The remedy of each warning, by its code; a soft subject has none. @type {Record<string, Remedy>} */
export const REMEDIES = {
  LOW_CONFIDENCE: COLOR,
  NOTHING_REMOVED: COLOR,
  EVERYTHING_REMOVED: TOLERANCE,
  POSSIBLE_HOLES: MARK,
  LOOKALIKE_KEPT: MARK,
  POSSIBLE_RESIDUE: TOLERANCE,
  FINE_DETAIL: { label: "Choose a larger size", control: "size" },
  LOW_CONTRAST: MARK,
  POSSIBLE_FLICKER: TOLERANCE,
  HINT_WITHOUT_EFFECT: MARK,
};
