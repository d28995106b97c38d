/** A camera's image with the points laid over it by its place: right if edges of points lie on edges of the image. */

import React, { useEffect, useRef } from "react";
import type { SensorInfo } from "../api/client";
import { project } from "../geometry/camera";
import { apply, invert } from "../geometry/transform";
import type { PointCloud } from "../points/decode";

const WIDTH_PX = 420;
const NEAR_M = 3;
const FAR_M = 50;

interface Props {
  readonly sensor: SensorInfo;
  readonly image: string;
  readonly cloud: PointCloud;
  readonly inverted: boolean;
  readonly onInvert: () => void;
}

export function CameraProof({ sensor, image, cloud, inverted, onInvert }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = sensor;
  const tall = width && height ? Math.round(WIDTH_PX * height / width) : 0;
  useEffect(() => {
    if (canvas.current) canvas.current.dataset.inside = String(paint(canvas.current, sensor, cloud, inverted));
  }, [sensor, cloud, inverted]);
  if (!width || !height || !sensor.intrinsics) return null;
  return (
    <figure className="ll-proof">
      <div style={{ width: WIDTH_PX, height: tall }}>
        <img src={image} alt={`first image of ${sensor.name}`} width={WIDTH_PX} height={tall} />
        <canvas ref={canvas} width={WIDTH_PX} height={tall} role="img" aria-label={`Points over the image of ${sensor.name}`} />
      </div>
      <figcaption className="ll-inline"><strong>{sensor.name}</strong> do the points lie on what they hit?
        <button type="button" aria-pressed={inverted} onClick={onInvert} title="The source may state where the ego is in the camera's frame instead of where the camera is">inverse?</button>
      </figcaption>
    </figure>
  );
}

/** How many points lie in the image. */
function paint(canvas: HTMLCanvasElement, sensor: SensorInfo, cloud: PointCloud, inverted: boolean): number {
  const pen = canvas.getContext("2d");
  if (!pen || !sensor.intrinsics || !sensor.width || !sensor.height) return 0;
  const place = sensor.ego_from_sensor, cameraFromEgo = inverted ? place : invert(place);
  const camera = { model: sensor.model, intrinsics: sensor.intrinsics, distortion: sensor.distortion ?? [], width: sensor.width, height: sensor.height };
  const scale = WIDTH_PX / sensor.width;
  let inside = 0;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < cloud.count; i++) {
    const point = apply(cameraFromEgo, [cloud.xyz[3 * i], cloud.xyz[3 * i + 1], cloud.xyz[3 * i + 2]]);
    const pixel = project(camera, point);
    if (!pixel || pixel[0] < 0 || pixel[1] < 0 || pixel[0] >= camera.width || pixel[1] >= camera.height) continue;
    inside++;
    const far = Math.min(1, Math.max(0, (Math.hypot(...point) - NEAR_M) / (FAR_M - NEAR_M)));
    pen.fillStyle = `hsl(${Math.round(240 * far)} 100% 55%)`;
    pen.fillRect(pixel[0] * scale - 0.7, pixel[1] * scale - 0.7, 1.6, 1.6);
  }
  return inside;
}
