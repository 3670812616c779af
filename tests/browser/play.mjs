// How Chromium plays the files of a folder, for scripts/validate-outputs.py: node play.mjs FOLDER FILE...
// Prints for each file its duration as played in seconds, the shortest frame of an animation, and the alpha of its top
// left pixel.
import { launch, serve } from "./browser.mjs";

const [folder, ...names] = process.argv.slice(2);
const server = await serve({ folders: [folder], texts: { "/": "<!doctype html><title>t</title>" } });
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(server.url);
  const played = {};
  for (const name of names) played[name] = await page.evaluate(play, name).catch((error) => ({ error: `${error}` }));
  console.log(JSON.stringify(played));
} finally {
  await browser.close();
  server.close();
}

/** Runs in the page. */
async function play(name) {
  const alphaOf = (source) => {
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    context.drawImage(source, 0, 0);
    return context.getImageData(0, 0, 1, 1).data[3];
  };
  if (/\.(webm|mp4)$/.test(name)) {
    const video = document.createElement("video");
    video.muted = true;
    video.src = name;
    const reached = (event) =>
      new Promise((ready, failed) => {
        video.addEventListener(event, ready, { once: true });
        video.onerror = () => failed(new Error(video.error.message));
      });
    await reached("loadeddata");
    const alpha = alphaOf(video);
    video.currentTime = video.duration * 0.9;
    await reached("seeked");
    video.playbackRate = 4;
    await Promise.all([reached("ended"), video.play()]);
    return { seconds: video.currentTime, alpha };
  }
  const type = name.endsWith(".apng") ? "image/png" : `image/${name.split(".").pop()}`;
  const decoder = new ImageDecoder({ type, data: await (await fetch(name)).arrayBuffer() });
  await decoder.tracks.ready;
  await decoder.completed;
  const frames = decoder.tracks.selectedTrack.frameCount;
  const micros = [];
  let alpha;
  for (let frameIndex = 0; frameIndex < frames; frameIndex++) {
    const { image } = await decoder.decode({ frameIndex });
    micros.push(image.duration);
    alpha ??= alphaOf(image);
    image.close();
  }
  const total = micros.reduce((sum, next) => sum + next, 0);
  return { seconds: total / 1e6, shortest: Math.min(...micros) / 1e6, alpha };
}
