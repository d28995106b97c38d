/** How far bytes are on their way: share, rate and time left, in words. */

const SPAN_MS = 8000; // of which the rate is the mean

export class Transfer {
  private done = 0;
  private readonly marks: { readonly at: number; readonly moved: number }[] = [];
  private moved = 0;

  constructor(readonly what: string, readonly total: number) {}

  /** Bytes that have been there before; they say nothing of the rate. */
  skip(bytes: number): void {
    this.done += bytes;
  }

  move(bytes: number, now: number): void {
    this.done += bytes;
    this.moved += bytes;
    this.marks.push({ at: now, moved: this.moved });
    while (this.marks.length > 2 && now - this.marks[0].at > SPAN_MS) this.marks.shift();
  }

  get share(): number {
    return this.total ? this.done / this.total : 1;
  }

  /** Bytes a second; null until two moves tell. */
  get rate(): number | null {
    const first = this.marks[0], last = this.marks.at(-1);
    return first && last && last.at > first.at ? (1000 * (last.moved - first.moved)) / (last.at - first.at) : null;
  }

  get words(): string {
    const rate = this.rate, left = rate ? (this.total - this.done) / rate : null;
    const parts = [`${this.what}: ${sizeWords(this.done)} of ${sizeWords(this.total)}`];
    if (rate !== null) parts.push(`${sizeWords(rate)}/s`);
    if (left !== null && left >= 1) parts.push(`${timeWords(left)} left`);
    return parts.join(", ");
  }
}

export function sizeWords(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

export function timeWords(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
