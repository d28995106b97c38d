/** What the editor asks for first, asked at the head of the page while its scripts are still on their way. */

declare global {
  interface Window {
    /** Answers under way by their address; each is taken once. */
    lidar_label_early?: Map<string, Promise<Response>>;
  }
}

export function recordingPath(project: string, recording: string): string {
  return `/projects/${encodeURIComponent(project)}/recordings/${encodeURIComponent(recording)}`;
}

export function ontologyPath(project: string): string {
  return `/projects/${encodeURIComponent(project)}/ontology`;
}

export function pointsPath(recording: string, frame: number, most: number): string {
  return `${recording}/frames/${frame}/points?most=${most}`;
}

/** Ask for all of it where the address is that of an editor. */
export function askEarly(api: string, pathname: string, most: number): void {
  const [, first, project, second, recording, page] = pathname.split("/").map(decodeURIComponent);
  if (first !== "p" || second !== "r" || page !== "edit") return;
  const path = recordingPath(project, recording);
  const wanted = [pointsPath(path, 0, most), path, `${path}/labels`, ontologyPath(project), "/session"];
  window.lidar_label_early = new Map(wanted.map((one) => [api + one, ask(api + one)]));
}

function ask(address: string): Promise<Response> {
  const answer = fetch(address, { credentials: "same-origin" });
  answer.catch(() => undefined); // told to whoever takes it
  return answer;
}

export function takeEarly(address: string): Promise<Response> | undefined {
  const answer = window.lidar_label_early?.get(address);
  window.lidar_label_early?.delete(address);
  return answer;
}
