/** The vectors of the wire (vectors/*.json), as tests want them. */
import { readFileSync } from "node:fs";
import type { Claims, PipeLink } from "../../satellite/wire/link.ts";
import type { Terms } from "../../satellite/wire/rights.ts";

/** One vector names the rules that it proves; rules.test.ts counts them. */
interface Vector {
  readonly name: string;
  readonly rules?: readonly string[];
}

export interface DataVector extends Vector {
  readonly bytes: Uint8Array;
  /** What the header says, or the error that refuses the frame. */
  readonly chunk?: { stream: number; offset: number; end: number; flags: number };
  readonly error?: string;
}

export interface MessageVector extends Vector {
  readonly text: string;
  /** An `x-` type. */
  readonly ignored?: boolean;
  readonly error?: string;
}

export interface NameVector extends Vector {
  readonly pipe: string;
  readonly valid: boolean;
}

export interface ErrorVector {
  readonly code: string;
  readonly close: number | null;
  readonly http: number | null;
  readonly exit: number;
}

export interface LinkVector extends Vector {
  readonly text: string;
  /** What it says, or the error that refuses it. */
  readonly link?: PipeLink & { readonly claims: Claims };
  readonly error?: string;
}

export interface ShareTokenVector extends Vector {
  readonly root: string;
  readonly saltHex: string;
  readonly terms: Terms;
  readonly token: string;
}

export const dataVectors: readonly DataVector[] = read<DataVector & { hex: string; pad?: number }>(
  "data-frames",
).map(({ hex, pad, ...vector }) => ({
  ...vector,
  bytes: Buffer.concat([bytesOf(hex), Buffer.alloc(pad ?? 0)]),
}));
export const endVectors: readonly MessageVector[] = messages("end-messages");
export const satelliteVectors: readonly MessageVector[] = messages("satellite-messages");
export const nameVectors: readonly NameVector[] = read("names");
export const errorVectors: readonly ErrorVector[] = read("errors");
export const linkVectors: readonly LinkVector[] = read("links");
export const shareTokenVectors: readonly ShareTokenVector[] = read("share-tokens");

/** Bytes of hex digits; whatever else stands between them is ignored. */
export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replace(/\s/g, ""), "hex");
}

function messages(file: string): MessageVector[] {
  return read<MessageVector & { padTo?: number }>(file).map(({ padTo, ...vector }) => ({
    ...vector,
    text: vector.text.padEnd(padTo ?? 0, " "),
  }));
}

function read<T>(file: string): T[] {
  return JSON.parse(readFileSync(new URL(`vectors/${file}.json`, import.meta.url), "utf8")) as T[];
}
