/**
 * A disk in memory, for crashes that no real disk makes on demand. Its files outlive the process that uses them
 * (`open` again after `crash`), and like those of a real one what was not synced may outlive the computer or not.
 */
import type { Disk, DiskFile } from "../../satellite/store/files/disk.ts";

export type Random = () => number;
export type Operation =
  | "list"
  | "make"
  | "open"
  | "rename"
  | "unlink"
  | "sync names" // of the directory
  | "size"
  | "read"
  | "write"
  | "write now"
  | "truncate"
  | "sync"
  | "close"; // of a file

/** A write or a truncation that is not on disk yet. */
type Change = { at: number; bytes: Buffer } | { size: number };

/** A change of a name that is not on disk yet. */
interface NameChange {
  readonly removed: string | null;
  readonly added: { name: string; node: Node } | null;
}

/** A file, whatever its name. */
interface Node {
  bytes: Content;
  /** What survives the computer for sure. */
  synced: Content;
  changes: Change[];
}

export interface SimOptions {
  readonly random: Random;
  /** How long an operation takes: it goes on when this resolves. Default: a few turns of the microtask queue. */
  readonly later?: () => Promise<void>;
}

export class SimDisk {
  /** Bytes that fit. */
  spaceBytes: number = Number.POSITIVE_INFINITY;
  /** Asked before each operation: what it answers is thrown. */
  fault: (operation: Operation, name: string) => Error | null = () => null;
  /** Operations until the process that uses the disk is killed; each may have had its effect, some of it, or none. */
  operationsLeft: number = Number.POSITIVE_INFINITY;
  /** Operations so far. */
  operations = 0;
  /** A sync has failed: what it should have brought to disk looks as if it were there, until power is lost. */
  hasFailedToSync = false;
  /** Called when `operationsLeft` is 0. */
  onCrash: () => void = () => {};
  readonly #random: Random;
  readonly #later: () => Promise<void>;
  #names: Map<string, Node> = new Map();
  #syncedNames: Map<string, Node> = new Map();
  #nameChanges: NameChange[] = [];
  /** The process that uses the disk. */
  #process = 0;

  constructor({ random, later }: SimOptions) {
    this.#random = random;
    this.#later = later ?? (() => this.#hop());
  }

  /** The disk, for one process. When that has crashed, nothing it does has an effect, and nothing resolves. */
  open(): Disk {
    const process = ++this.#process;
    const run = <T>(operation: Operation, name: string, act: () => T, part?: () => void): Promise<T> =>
      this.#run(process, operation, name, act, part);
    const get = (name: string): Node => this.#names.get(name) ?? fail("ENOENT", `there is no '${name}'`);
    return {
      list: () => run("list", "", () => [...this.#names.keys()]),
      make: (name) => run("make", name, () => this.#file(process, name, this.#make(name))),
      open: (name) => run("open", name, () => this.#file(process, name, get(name))),
      rename: (from, to) =>
        run("rename", from, () => this.#change({ removed: from, added: { name: to, node: get(from) } })),
      unlink: (name) =>
        run("unlink", name, () => {
          get(name);
          this.#change({ removed: name, added: null });
        }),
      sync: async () => {
        const count = await run("sync names", "", () => this.#nameChanges.length);
        await run("sync names", "", () => {
          for (const change of this.#nameChanges.splice(0, count)) apply(this.#syncedNames, change);
        });
      },
      rest: () => this.#turn(process),
      salt: () => Math.floor(this.#random() * 2 ** 32),
      close: () => Promise.resolve(),
    };
  }

  /** Whether nobody uses it. */
  get isCrashed(): boolean {
    return this.#process < 0;
  }

  /** The process is killed; with `power`, the computer as well: what was not synced is there, or a part of it, or not. */
  crash(power: boolean): void {
    this.#process = Math.abs(this.#process);
    this.#process++;
    this.operationsLeft = Number.POSITIVE_INFINITY;
    if (!power) return;
    this.hasFailedToSync = false;
    for (const node of new Set([...this.#names.values(), ...this.#syncedNames.values()])) this.#lose(node);
    this.#loseNames();
  }

  /** Flips bits of a file, as a disk may that grows old. */
  damage(name: string, at: number, bytes = 1): void {
    const node = this.#names.get(name) ?? fail("ENOENT", `there is no '${name}'`);
    const flipped = node.bytes.view(at, at + bytes).map((byte) => byte ^ 0x55);
    for (const content of [node.bytes, node.synced]) {
      if (content.length >= at + flipped.length) content.change({ at, bytes: Buffer.from(flipped) });
    }
  }

  /** What the files take, by name. */
  sizes(): Map<string, number> {
    return new Map([...this.#names].map(([name, { bytes }]) => [name, bytes.length]));
  }

  remove(name: string): void {
    this.#names.delete(name);
    this.#syncedNames.delete(name);
  }

  #make(name: string): Node {
    const old = this.#names.get(name);
    if (old !== undefined) {
      this.#put(old, { size: 0 });
      return old;
    }
    const node = { bytes: new Content(), synced: new Content(), changes: [] };
    this.#change({ removed: null, added: { name, node } });
    return node;
  }

  #file(process: number, name: string, node: Node): DiskFile {
    const run = <T>(operation: Operation, act: () => T, part?: () => void): Promise<T> =>
      this.#run(process, operation, name, act, part);
    return {
      size: () => run("size", () => node.bytes.length),
      read: (at, bytes) => run("read", () => Buffer.from(node.bytes.view(at, at + bytes))),
      write: (at, pieces) => {
        const bytes = Buffer.concat(pieces);
        return run(
          "write",
          () => this.#write(node, at, bytes),
          () => this.#write(node, at, bytes.subarray(0, this.#below(bytes.length + 1))),
        );
      },
      writeNow: (at, bytes) => {
        if (this.#process !== process) return;
        if (this.#isLast()) {
          this.#write(node, at, Buffer.from(bytes.subarray(0, this.#below(bytes.length + 1))));
          this.#die();
          return;
        }
        const fault = this.fault("write now", name);
        if (fault !== null) throw fault;
        this.#write(node, at, Buffer.from(bytes));
      },
      truncate: (size) => run("truncate", () => this.#put(node, { size })),
      sync: () => this.#sync(process, name, node),
      close: () => run("close", () => undefined),
    };
  }

  async #sync(process: number, name: string, node: Node): Promise<void> {
    let count = node.changes.length;
    await this.#turn(process);
    try {
      await this.#run(process, "sync", name, () => {
        for (const change of node.changes.splice(0, count)) node.synced.change(change);
        count = 0;
      });
    } finally {
      // When it fails nobody knows what of it is there, and no later sync will bring the rest.
      this.hasFailedToSync ||= count > 0;
      for (const change of node.changes.splice(0, count)) {
        if (this.#random() < 0.5) node.synced.change(change);
      }
    }
  }

  async #run<T>(
    process: number,
    operation: Operation,
    name: string,
    act: () => T,
    part?: () => void,
  ): Promise<T> {
    await this.#turn(process);
    if (this.#isLast()) {
      if (this.#random() < 0.5) part?.();
      this.#die();
      return never();
    }
    const fault = this.fault(operation, name);
    if (fault !== null) {
      if (this.#random() < 0.5) part?.();
      throw fault;
    }
    const result = act();
    await this.#turn(process);
    return result;
  }

  /** Lets others go first. */
  async #turn(process: number): Promise<void> {
    await this.#later();
    if (this.#process !== process) await never();
  }

  async #hop(): Promise<void> {
    for (let hops = this.#below(4); hops >= 0; hops--) await Promise.resolve();
  }

  #isLast(): boolean {
    this.operations++;
    return this.operationsLeft-- <= 0;
  }

  #die(): void {
    this.#process = -this.#process;
    this.onCrash();
  }

  #write(node: Node, at: number, bytes: Buffer): void {
    const missing =
      this.spaceBytes === Number.POSITIVE_INFINITY ? 0 : this.#missingBytes(node, at + bytes.length);
    if (missing === 0) {
      this.#put(node, { at, bytes });
      return;
    }
    const fitting = bytes.subarray(0, Math.max(0, bytes.length - missing));
    if (fitting.length > 0) this.#put(node, { at, bytes: fitting });
    fail("ENOSPC", "no space left on device");
  }

  /** What does not fit when a file has grown to `end`. */
  #missingBytes(node: Node, end: number): number {
    const used = [...this.#names.values()].reduce((sum, { bytes: { length } }) => sum + length, 0);
    return Math.max(0, used + Math.max(0, end - node.bytes.length) - this.spaceBytes);
  }

  #put(node: Node, change: Change): void {
    node.bytes.change(change);
    node.changes.push(change);
  }

  #change(change: NameChange): void {
    apply(this.#names, change);
    this.#nameChanges.push(change);
  }

  /** Of what was not synced, some of the first changes are there, or pieces of all of them. */
  #lose(node: Node): void {
    const { changes } = node;
    const bytes = node.synced;
    if (this.#random() < 0.5) {
      const count = this.#below(changes.length + 1);
      for (const change of changes.slice(0, count)) bytes.change(change);
      const torn = changes[count];
      if (torn !== undefined && "bytes" in torn) {
        bytes.change({
          at: torn.at,
          bytes: torn.bytes.subarray(0, this.#below(torn.bytes.length)),
        });
      }
    } else {
      for (const change of changes) {
        if ("size" in change) {
          if (this.#random() < 0.5) bytes.change(change);
          continue;
        }
        for (let at = 0; at < change.bytes.length; at += SECTOR_BYTES) {
          const sector = change.bytes.subarray(at, at + SECTOR_BYTES);
          if (this.#random() < 0.7) bytes.change({ at: change.at + at, bytes: sector });
        }
      }
    }
    node.bytes = bytes.copy();
    node.changes = [];
  }

  #loseNames(): void {
    const count = this.#random() < 0.5 ? this.#below(this.#nameChanges.length + 1) : null;
    for (const [index, change] of this.#nameChanges.entries()) {
      if (count === null ? this.#random() < 0.5 : index < count) apply(this.#syncedNames, change);
    }
    this.#nameChanges = [];
    this.#names = new Map(this.#syncedNames);
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }
}

/** Small, as the files of a simulation are. */
const SECTOR_BYTES = 64;

/** The bytes of a file. */
class Content {
  #buffer: Buffer = Buffer.alloc(0);
  length = 0;

  view(from: number, to: number): Buffer {
    return this.#buffer.subarray(Math.min(from, this.length), Math.min(to, this.length));
  }

  change(change: Change): void {
    const length = "size" in change ? change.size : Math.max(this.length, change.at + change.bytes.length);
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(length * 2);
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    if (length < this.length) this.#buffer.fill(0, length, this.length);
    this.length = length;
    if ("bytes" in change) change.bytes.copy(this.#buffer, change.at);
  }

  copy(): Content {
    const copy = new Content();
    copy.change({ at: 0, bytes: this.view(0, this.length) });
    return copy;
  }
}

function apply(names: Map<string, Node>, { removed, added }: NameChange): void {
  if (removed !== null) names.delete(removed);
  if (added !== null) names.set(added.name, added.node);
}

function never(): Promise<never> {
  return new Promise(() => {});
}

export function failure(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

function fail(code: string, message: string): never {
  throw failure(code, message);
}
