// The sizes and the style of an element: those of a <video>.

/** Sized and fitted as a `<video>` is: from its frame, until a style sheet or attributes say otherwise. */
export const STYLE =
  ":host{display:inline-block;position:relative;min-width:0;min-height:0;contain:size;container-type:inline-size;" +
  "contain-intrinsic-size:300px 150px;object-fit:contain}" +
  ":host([hidden]),slot,[hidden]{display:none!important}" +
  "canvas,video,img{position:absolute;inset:0;width:100%;height:100%;border-radius:inherit;object-fit:inherit;object-position:inherit}" +
  ".captions{position:absolute;inset:auto 0 4%;pointer-events:none;text-align:center;color:#fff;font:clamp(12px,4cqi,28px)/1.3 system-ui,sans-serif}" +
  ":host([controls]) .captions{bottom:36px}" +
  ".captions p{margin:0}.captions p::before,.captions p::after{content:' '}.captions p{width:fit-content;max-width:90%;margin:2px auto 0;padding:0 .4em;white-space:pre-line;background:rgb(0 0 0/.8)}" +
  // These are shown by `.captions`, in every kind of file.
  "video::-webkit-media-text-track-container{display:none}";

/**
 * The rule that gives an element the size of a `<video>` with the same attributes.
 * @param {Element} element @param {number} width of a frame, or of the poster; 0 if it is not known yet @param {number} height
 */
export function sizeOf(element, width, height) {
  const [ownWidth, ownHeight] = ["width", "height"].map((name) =>
    Number.parseInt(element.getAttribute(name) ?? "", 10),
  );
  const rules = [];
  if (width) rules.push(`aspect-ratio:${width}/${height}`);
  else if (ownWidth && ownHeight) rules.push(`aspect-ratio:${ownWidth}/${ownHeight}`);
  if (width) rules.push(`contain-intrinsic-size:${width}px ${height}px`);
  if (ownWidth) rules.push(`width:${ownWidth}px`);
  if (ownHeight) rules.push(`height:${ownHeight}px`);
  return `:host{${rules.join(";")}}`;
}
