// Small pictures of clips and images, for the list.

/** The longer side of a picture. */
const SIDE_PX = 96;
/** A clip often begins with an empty frame. */
const EARLY_SECS = 0.2;

/** A small picture of a file, as a data URL; empty if the browser cannot show it. @param {File} file @param {boolean} isImage */
export async function smallPicture(file, isImage) {
  const address = URL.createObjectURL(file);
  try {
    return isImage || file.type.startsWith("image/") ? await pictureOfImage(address) : await pictureOfVideo(address);
  } catch {
    return "";
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** @param {string} address */
async function pictureOfImage(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return drawn(image, image.naturalWidth, image.naturalHeight);
}

/** @param {string} address */
async function pictureOfVideo(address) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: address });
  const happens = (/** @type {string} */ type) =>
    new Promise((done, fail) => {
      video.addEventListener(type, done, { once: true });
      video.addEventListener("error", fail, { once: true });
    });
  await happens("loadeddata");
  const isSeeked = happens("seeked");
  video.currentTime = Math.min(EARLY_SECS, video.duration / 2 || 0);
  await isSeeked;
  return drawn(video, video.videoWidth, video.videoHeight);
}

/** @param {CanvasImageSource} source @param {number} width @param {number} height */
function drawn(source, width, height) {
  const scale = Math.min(1, SIDE_PX / Math.max(width, height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  canvas.getContext("2d", { alpha: false })?.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.7);
}
