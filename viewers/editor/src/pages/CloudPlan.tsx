/** Points of a sweep from above or from the side, as they would lie after a turn; the ego stands in the middle. */

import React, { useEffect, useRef } from "react";
import { type Matrix, apply } from "../geometry/transform";
import type { PointCloud } from "../points/decode";

const WIDTH_PX = 420;
const HEIGHT_PX = 260;
const REACH_M = 40;
const MOST_POINTS = 60_000;

export function CloudPlan({ cloud, turn, side }: { cloud: PointCloud; turn: Matrix; side: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) paint(canvas.current, cloud, turn, side);
  }, [cloud, turn, side]);
  return (
    <figure>
      <canvas ref={canvas} width={WIDTH_PX} height={HEIGHT_PX} role="img" aria-label={side ? "Points from the right side" : "Points from above"} />
      <figcaption className="ll-dim">{side ? "from the right side: forward →, up ↑" : "from above: forward →, left ↑"}</figcaption>
    </figure>
  );
}

function paint(canvas: HTMLCanvasElement, cloud: PointCloud, turn: Matrix, side: boolean): void {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const style = getComputedStyle(canvas), scale = WIDTH_PX / (2 * REACH_M), upward = side ? 2 : 1;
  pen.clearRect(0, 0, WIDTH_PX, HEIGHT_PX);
  const every = Math.max(1, Math.ceil(cloud.count / MOST_POINTS));
  pen.globalAlpha = 0.6;
  for (let i = 0; i < cloud.count; i += every) {
    const place = apply(turn, [cloud.xyz[3 * i], cloud.xyz[3 * i + 1], cloud.xyz[3 * i + 2]]);
    pen.fillStyle = `hsl(${220 - 25 * Math.max(-2, Math.min(5, place[2]))} 80% 60%)`;
    pen.fillRect(WIDTH_PX / 2 + place[0] * scale, HEIGHT_PX / 2 - place[upward] * scale, 1.2, 1.2);
  }
  pen.globalAlpha = 1;
  pen.strokeStyle = style.getPropertyValue("--ll-accent");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(WIDTH_PX / 2, HEIGHT_PX / 2);
  pen.lineTo(WIDTH_PX / 2 + 34, HEIGHT_PX / 2);
  pen.lineTo(WIDTH_PX / 2 + 26, HEIGHT_PX / 2 - 5);
  pen.moveTo(WIDTH_PX / 2 + 34, HEIGHT_PX / 2);
  pen.lineTo(WIDTH_PX / 2 + 26, HEIGHT_PX / 2 + 5);
  pen.stroke();
}
