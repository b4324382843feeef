/** A satellite as real processes, a bystander who uses it, and room for attackers. */
import { readFileSync, writeFileSync } from "node:fs";
import { Bed, type SatelliteProc } from "../support/bed.ts";
import { MiB, noiseFile } from "../support/bytes.ts";
import type { Victim } from "./attacks.ts";

/** One transfer of the bystander. */
const TRANSFER_BYTES = 16 * MiB;
const TRANSFER_MS = 120_000;
const ROOT = "root-token-of-the-hostile-field";

export interface Transfers {
  readonly count: number;
  /** MiB per second of the slowest one, with the start of two processes. */
  readonly slowestMibPerS: number;
}

export class Field {
  readonly bed: Bed = new Bed();
  readonly #sha256: string;
  #satellite: SatelliteProc | null = null;
  #victim: Victim | null = null;

  constructor() {
    this.#sha256 = noiseFile(this.bed.path("payload"), TRANSFER_BYTES, 6);
  }

  async start(): Promise<void> {
    writeFileSync(this.bed.path("token"), ROOT);
    this.#satellite = await this.bed.satellite(["--token-file", this.bed.path("token")], { measured: true });
    this.bed.env.SKYPIPE_TOKEN = ROOT;
    this.#victim = {
      host: "127.0.0.1",
      port: this.#satellite.port,
      writeToken: await this.#token("doormat", "--write"),
      readToken: await this.#token("doormat", "--read"),
      porchToken: await this.#token("porch", "--read"),
    };
  }

  get victim(): Victim {
    if (this.#victim === null) throw new Error("the field has not started");
    return this.#victim;
  }

  /** Resident memory of the satellite, in bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#proc.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** The most that it ever had. */
  get peakBytes(): number {
    return this.#proc.peakBytes;
  }

  get log(): string {
    return this.#proc.err;
  }

  get isRunning(): boolean {
    return this.#proc.running;
  }

  /** Sends a file from one process to another, at least once, and again while `attack` goes on. Throws for a wrong byte. */
  async transferDuring(attack: Promise<unknown>): Promise<Transfers> {
    const over = new AbortController();
    attack.catch(() => undefined).finally(() => over.abort());
    const rates: number[] = [];
    do rates.push(await this.#transfer());
    while (!over.signal.aborted);
    await attack;
    return { count: rates.length, slowestMibPerS: Math.round(Math.min(...rates) * 10) / 10 };
  }

  async close(): Promise<void> {
    await this.bed.close();
  }

  get #proc(): SatelliteProc["proc"] {
    if (this.#satellite === null) throw new Error("the field has not started");
    return this.#satellite.proc;
  }

  async #transfer(): Promise<number> {
    const startedMs = performance.now();
    const reader = this.bed.skypipe(["recv", "garden"], { stdout: "hash" });
    const writer = this.bed.skypipe(["send", "garden", this.bed.path("payload")]);
    await writer.exits(0, TRANSFER_MS);
    const { sha256 } = await reader.exits(0, TRANSFER_MS);
    if (sha256 !== this.#sha256) throw new Error("the bystander received other bytes than were sent");
    return TRANSFER_BYTES / MiB / ((performance.now() - startedMs) / 1000);
  }

  async #token(pipe: string, right: string): Promise<string> {
    const { out } = await this.bed.skypipe(["share", pipe, right, "--json"]).exits(0);
    const { link } = JSON.parse(out) as { link: string };
    return new URLSearchParams(new URL(link).hash.slice(1)).get("t") ?? "";
  }
}
