/** SHA-256 of bytes that come piece by piece (FIPS 180-4); the browser's own wants a whole file in memory. */

const BLOCK = 64;
const ROUND = roots(64, 3), FIRST = roots(8, 2);

export class Sha256 {
  private readonly state = FIRST.slice();
  private readonly words = new Int32Array(BLOCK);
  private readonly rest = new Uint8Array(BLOCK);
  private held = 0;
  private length = 0;

  update(bytes: Uint8Array): this {
    this.length += bytes.length;
    let at = 0;
    if (this.held) {
      at = Math.min(BLOCK - this.held, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.held);
      this.held += at;
      if (this.held < BLOCK) return this;
      this.take(this.rest, 0);
      this.held = 0;
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.take(bytes, at);
    this.rest.set(bytes.subarray(at));
    this.held = bytes.length - at;
    return this;
  }

  /** In hexadecimal digits; nothing can be added afterwards. */
  digest(): string {
    const bits = this.length * 8, zeros = (BLOCK + 55 - this.held) % BLOCK;
    const tail = new Uint8Array(1 + zeros + 8), view = new DataView(tail.buffer);
    tail[0] = 0x80;
    view.setUint32(1 + zeros, Math.floor(bits / 2 ** 32));
    view.setUint32(5 + zeros, bits >>> 0);
    this.update(tail);
    return [...this.state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  private take(bytes: Uint8Array, at: number): void {
    const w = this.words, s = this.state; // by index: unpacking an array costs more than the rounds
    for (let i = 0; i < 16; i++, at += 4) w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    for (let i = 16; i < BLOCK; i++) {
      const x = w[i - 15], y = w[i - 2];
      const small = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const large = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + small + w[i - 7] + large) | 0;
    }
    let a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (let i = 0; i < BLOCK; i++) {
      const up = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t = (h + up + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
      const down = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const u = (down + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    s[0] += a; s[1] += b; s[2] += c; s[3] += d; s[4] += e; s[5] += f; s[6] += g; s[7] += h;
  }
}

/** First 32 bits of the fraction of the square or cube root of each of the first primes, exactly. */
function roots(count: number, degree: 2 | 3): Int32Array {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) {
    if (Array.from({ length: n - 2 }, (_, i) => i + 2).some((divisor) => n % divisor === 0)) continue;
    const wanted = BigInt(n) << BigInt(32 * degree);
    let root = BigInt(Math.floor(n ** (1 / degree) * 2 ** 32)) - 2n;
    while ((root + 1n) ** BigInt(degree) <= wanted) root++;
    found.push(Number(BigInt.asIntN(32, root)));
  }
  return Int32Array.from(found);
}
