import { expect, test } from "vitest";
import { Sha256 } from "../src/pages/sha256";
import { Transfer, sizeWords, timeWords } from "../src/pages/transfer";

test.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 60_003])("SHA-256 of %d bytes is the browser's, however they come", async (size) => {
  const bytes = crypto.getRandomValues(new Uint8Array(size));
  const wanted = [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  expect(new Sha256().update(bytes).digest()).toBe(wanted);
  const pieces = new Sha256();
  for (let at = 0, step = 1; at < size; at += step, step = (step * 7) % 129 || 1) pieces.update(bytes.subarray(at, at + step));
  expect(pieces.digest()).toBe(wanted);
});

test("what was there before counts for the share, not for the rate", () => {
  const transfer = new Transfer("sending", 100e6);
  transfer.skip(60e6);
  expect(transfer.words).toBe("sending: 60 MB of 100 MB");
  transfer.move(8e6, 1000);
  transfer.move(8e6, 3000);
  expect(transfer.share).toBeCloseTo(0.76);
  expect(transfer.rate).toBe(4e6);
  expect(transfer.words).toBe("sending: 76 MB of 100 MB, 4.0 MB/s, 6 s left");
});

test("the rate is that of the last seconds", () => {
  const transfer = new Transfer("sending", 1e9);
  for (let second = 0; second < 60; second++) transfer.move(second < 40 ? 1e6 : 5e6, 1000 * second);
  expect(transfer.rate).toBe(5e6);
});

test.each([[1234, "1 kB"], [2_340_000, "2.3 MB"], [45e6, "45 MB"], [3.456e9, "3.46 GB"]])("%d bytes in words", (bytes, words) => {
  expect(sizeWords(bytes)).toBe(words);
});

test.each([[3.2, "3 s"], [100, "2 min"], [7300, "2 h 2 min"]])("%d seconds in words", (seconds, words) => {
  expect(timeWords(seconds)).toBe(words);
});
