// The board protocol's digest: sum mod 2^64 over cells of fmix64(FNV-1a-64(text)).
const MASK = (1n << 64n) - 1n;
const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const encoder = new TextEncoder();

export type Dims = Record<string, string>;

/** The part of a cell's text that never changes. */
export function prefix(kpi: string, definition: string, window: string, dims: Dims): string {
  const names = Object.keys(dims).sort();
  return `${kpi}|${definition}|${window}|${names.map((n) => `${n}=${dims[n]}`).join(",")}|`;
}

/** FNV-1a over the text's UTF-8, going on from `h`: a prefix is hashed once, not every second. */
export function fnv(text: string, h = OFFSET): bigint {
  for (const byte of encoder.encode(text)) h = ((h ^ BigInt(byte)) * PRIME) & MASK;
  return h;
}

function fmix(h: bigint): bigint {
  h ^= h >> 33n;
  h = (h * 0xff51afd7ed558ccdn) & MASK;
  h ^= h >> 33n;
  h = (h * 0xc4ceb9fe1a85ec53n) & MASK;
  return h ^ (h >> 33n);
}

/** One cell's hash; `start` is the FNV of its prefix. Parts count where they are told. */
export function cellHash(
  start: bigint, value: number | null, state: number, parts?: readonly (number | null)[],
): bigint {
  const told = [value, state, ...(parts ?? [])];
  return fmix(fnv(told.map((n) => n ?? "null").join("|"), start));
}

/** The digest as it is sent. */
export function text(sum: bigint): string {
  return (sum & MASK).toString(16).padStart(16, "0");
}
