/** Puts an answer of the server among the browser's downloads, under the name that the server gives it. */

const KEPT_MS = 60_000; // the browser has begun to copy it long before

export async function keep(response: Response): Promise<void> {
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const url = URL.createObjectURL(await response.blob()); // large ones lie on the browser's disk
  const link = document.createElement("a");
  link.href = url;
  link.download = name ?? "labels";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
