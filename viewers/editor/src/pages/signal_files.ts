/** Tells a file of signals from one of points: both come as tables. */

const TABLE = /\.(csv|tsv|txt)$/i, SIGNALS_ONLY = /\.(parquet|wav)$/i;
const HEAD_BYTES = 4096;

/** Whether the signal wizard should have it; a table whose header names x, y and z holds points. */
export async function holdsSignals(file: File): Promise<boolean> {
  if (SIGNALS_ONLY.test(file.name)) return true;
  return TABLE.test(file.name) && !namesCoordinates(await file.slice(0, HEAD_BYTES).text());
}

export function namesCoordinates(head: string): boolean {
  const columns = new Set(head.split("\n", 1)[0].split(/[,;\t ]+/).map((name) => name.replace(/["'\r]/g, "").toLowerCase()));
  return ["x", "y", "z"].every((axis) => columns.has(axis)) && ![...columns].some((name) => name.startsWith("time") || name === "t");
}
