/** Classes of the ontology as the API spells them. */

import type { Vec3 } from "../geometry/box";

/** Something said of an object besides its class. */
export interface Attribute {
  readonly name: string;
  readonly type: "flag" | "choice" | "number" | "text";
  readonly values: readonly unknown[];
  readonly scope: string;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly unit: string;
  readonly guideline: string;
}

export interface LabelClass {
  readonly name: string;
  readonly colour: string;
  readonly key: string;
  readonly guideline: string;
  /** Usual length, width, height in metres, where the ontology says. */
  readonly size: Vec3 | null;
  readonly attributes: readonly Attribute[];
}

interface ClassJson {
  readonly name: string;
  /** Of which labels it is a class; empty: of both. */
  readonly kind: "cuboid" | "window" | "";
  readonly colour: string;
  readonly key: string;
  readonly guideline: string;
  readonly size_mean: Vec3 | null;
  readonly attribute_types: readonly Attribute[];
}

export interface OntologyJson {
  readonly classes: readonly ClassJson[];
}

export function readClasses({ classes }: OntologyJson, kind: "cuboid" | "window"): LabelClass[] {
  return classes.filter((one) => !one.kind || one.kind === kind).map(({ name, colour, key, guideline, size_mean, attribute_types }) =>
    ({ name, colour, key, guideline, size: size_mean, attributes: attribute_types }));
}
