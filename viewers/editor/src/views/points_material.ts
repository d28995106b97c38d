/** Points as squares of so many pixels in their own colours; a shader this small is compiled in a fraction of the time. */

import * as THREE from "three";

const VERTEX = `
in vec3 position;
in vec3 color;
uniform mat4 modelViewMatrix, projectionMatrix;
uniform float size;
out vec3 tint;
void main() {
  tint = color;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  gl_PointSize = size;
}`;
const FRAGMENT = `
precision mediump float;
in vec3 tint;
out vec4 pixel;
void main() { pixel = vec4(tint, 1.0); }`;

export function pointsMaterial(): THREE.RawShaderMaterial {
  return new THREE.RawShaderMaterial({ glslVersion: THREE.GLSL3, vertexShader: VERTEX, fragmentShader: FRAGMENT, uniforms: { size: { value: 1 } } });
}
