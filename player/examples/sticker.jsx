// A clip that loops, with a button, in React 19. `clearcut cut clip.mp4 -f webm,stacked-alpha` makes its two files.
import "clearcut-video";
import { useRef, useState } from "react";

/** @param {{ name: string, label: string }} props the address of the files without their ends, and what they show */
export function Sticker({ name, label }) {
  const player = useRef(/** @type {import("clearcut-video").ClearcutVideo | null} */ (null));
  const [isPlaying, setPlaying] = useState(false);
  const toggle = () => (isPlaying ? player.current?.pause() : player.current?.play());
  // Events are named as they are: onplay, not onPlay, which React hears at its own elements only.
  return (
    <figure>
      <clearcut-video
        ref={player}
        loop
        muted
        playsInline
        role="img"
        aria-label={label}
        onplay={() => setPlaying(true)}
        onpause={() => setPlaying(false)}
      >
        <source src={`${name}.webm`} type="video/webm" />
        <source src={`${name}.mp4`} type="video/mp4" />
      </clearcut-video>
      <button type="button" onClick={toggle}>
        {isPlaying ? "Pause" : "Play"}
      </button>
    </figure>
  );
}
