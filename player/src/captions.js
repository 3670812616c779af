// Shows the cues of the tracks in mode "showing" over the picture. The browser draws none over a canvas.

/** Two of the kinds of `<track>`. */
const SHOWN = ["captions", "subtitles"];

/** The tracks of captions and subtitles. @param {HTMLVideoElement} video */
export const captionsOf = (video) => [...video.textTracks].filter(({ kind }) => SHOWN.includes(kind));

/** @param {HTMLVideoElement} video @param {HTMLElement} place gets the text */
export function showCaptions(video, place) {
  const update = () => {
    const cues = captionsOf(video).flatMap((track) => (track.mode === "showing" ? [...(track.activeCues ?? [])] : []));
    place.replaceChildren(
      ...cues.map((cue) => {
        const line = document.createElement("p");
        line.append(/** @type {VTTCue} */ (cue).getCueAsHTML());
        return line;
      }),
    );
  };
  video.textTracks.addEventListener("change", update);
  video.textTracks.addEventListener("removetrack", update);
  video.textTracks.addEventListener("addtrack", ({ track }) => track?.addEventListener("cuechange", update));
}

/** Gives `video` copies of the `<track>` children of `element`. @param {Element} element @param {HTMLVideoElement} video */
export function copyTracks(element, video) {
  const tracks = [...element.querySelectorAll(":scope > track")];
  const said = (/** @type {Iterable<Element>} */ all) => [...all].map((track) => track.outerHTML).join();
  if (said(tracks) !== said(video.children)) video.replaceChildren(...tracks.map((track) => track.cloneNode()));
}
