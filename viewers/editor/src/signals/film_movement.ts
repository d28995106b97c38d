/** How much moves in a film from picture to picture, by watching it fast and small. */

import { evenCurve } from "./media";
import type { Curve } from "./media_client";

const WIDTH = 32, HEIGHT = 18;
const SPEED = 4;
const RATE_HZ = 25;
const LONGEST_S = 600;

export async function filmMovement(url: string): Promise<Curve> {
  const film = document.createElement("video");
  film.muted = true;
  film.src = url;
  await new Promise<void>((ready, fail) => {
    film.onloadeddata = () => ready();
    film.onerror = () => fail(new Error("this browser cannot play the film; convert it to WebM or H.264 MP4"));
  });
  const seen = await watch(film);
  film.removeAttribute("src");
  film.load();
  // what moved did so between the picture before and this one
  return { rate_hz: RATE_HZ, start_s: -0.5 / RATE_HZ, values: evenCurve(seen, RATE_HZ) };
}

function watch(film: HTMLVideoElement): Promise<{ time: number; moved: number }[]> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT), pen = canvas.getContext("2d", { willReadFrequently: true });
  const seen: { time: number; moved: number }[] = [];
  let before: Uint8ClampedArray | null = null;
  return new Promise((done, fail) => {
    const look = (_now: number, { mediaTime }: VideoFrameCallbackMetadata): void => {
      if (!pen) return fail(new Error("this browser gives no canvas"));
      pen.drawImage(film, 0, 0, WIDTH, HEIGHT);
      const { data } = pen.getImageData(0, 0, WIDTH, HEIGHT);
      if (before) seen.push({ time: mediaTime, moved: difference(before, data) });
      before = data;
      if (mediaTime < LONGEST_S) film.requestVideoFrameCallback(look);
      else done(seen);
    };
    film.requestVideoFrameCallback(look);
    film.onended = () => done(seen);
    film.playbackRate = SPEED;
    film.play().catch(fail);
  });
}

function difference(one: Uint8ClampedArray, two: Uint8ClampedArray): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) if ((i & 3) !== 3) sum += Math.abs(one[i] - two[i]);
  return sum / one.length;
}
