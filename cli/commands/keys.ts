/** `skypipe keys`: what streams are sealed with. Only `export` and `new` print a secret, and only when asked twice on a terminal. */
import tty from "node:tty";
import { WireError } from "../../satellite/wire/errors.ts";
import { type Key, keyName, makeKey } from "../client/seal/key.ts";
import { Keyring } from "../client/seal/keyring.ts";
import { openInput } from "../terminal/input.ts";
import { secret } from "../terminal/prompt.ts";
import { sourceOf } from "../terminal/stdin.ts";
import { Teller } from "../terminal/teller.ts";
import { addKeys, opened } from "./common/account-keys.ts";
import { talkOn } from "./common/first-use.ts";
import { pipeCalled } from "./common/pipe-name.ts";
import { print } from "./common/print.ts";
import { loadProvider } from "./common/providers.ts";
import { type Remembered, recall, remember } from "./common/remembered.ts";
import { knownTarget, noSatellite } from "./common/target.ts";

export interface KeysOptions {
  satellite?: string;
  yes?: boolean;
  quiet?: boolean;
  json?: boolean;
}

const STDIN = 0;
const STDOUT = 1;
/** Hundreds of keys. */
const INPUT_BYTES_MAX = 65_536;

export async function keys(action: string, options: KeysOptions): Promise<number> {
  switch (action) {
    case "new":
      return tell(makeKey(), options);
    case "export":
      return tell(await known(options), options);
    case "add":
      return add(options);
    case "rotate":
      return put(await own(options), makeKey(), options);
    default:
      return show(options);
  }
}

/** The keys that the other verbs would use. */
async function known({ satellite }: KeysOptions): Promise<string> {
  const fromEnvironment = process.env.SKYPIPE_KEY;
  if (satellite === undefined && fromEnvironment) return fromEnvironment;
  const target = await knownTarget(satellite);
  return target === null || "url" in target ? "" : (target.keys ?? "");
}

async function tell(secrets: string, options: KeysOptions): Promise<number> {
  if (secrets === "") throw nothingKnown();
  if (tty.isatty(STDOUT) && options.yes !== true) {
    throw new WireError(
      "usage",
      "this would print a secret on the terminal: send it where it belongs, for example skypipe keys export | ssh lab " +
        "skypipe keys add, or say --yes",
    );
  }
  const texts = secrets.split(/[\s,]+/).filter((text) => text !== "");
  await print(options.json === true ? `${JSON.stringify(texts)}\n` : `${texts.join("\n")}\n`);
  return 0;
}

async function show(options: KeysOptions): Promise<number> {
  const ring = Keyring.parse(await known(options));
  if (ring === null && options.json !== true) throw nothingKnown();
  const rows = (ring?.keys ?? []).map((key, index) => ({
    id: keyName(key),
    made: key.kind === "account" && key.createdS > 0 ? new Date(key.createdS * 1000).toISOString() : null,
    pipe: key.kind === "account" ? null : key.pipe,
    use: useOf(key, index),
  }));
  if (options.json === true) await print(`${JSON.stringify(rows)}\n`);
  else
    await print(rows.map((row) => `${row.id}  ${(row.made ?? "-").padEnd(24)}  ${inWords(row)}\n`).join(""));
  return 0;
}

function useOf({ kind }: Key, index: number): string {
  if (kind === "write") return "seals";
  return index === 0 || kind === "pipe" ? "seals and opens" : "opens";
}

function inWords({ use, pipe }: { use: string; pipe: string | null }): string {
  return pipe === null ? use : `${use}, ${pipeCalled(pipe)} only`;
}

async function add(options: KeysOptions): Promise<number> {
  const satellite = await own(options);
  const text = (tty.isatty(STDIN) ? await secret("The key") : await input()).trim();
  const added = await opened(text, talkOn(new Teller(options)));
  if (Keyring.parse(added) === null) {
    throw new WireError(
      "usage",
      "no key came in: for example skypipe keys export | ssh lab skypipe keys add",
    );
  }
  return put(satellite, added, options);
}

async function put(satellite: Remembered, added: string, options: KeysOptions): Promise<number> {
  const { name, credentials } = satellite;
  const provider = await loadProvider(satellite.provider);
  const teller = new Teller(options);
  const had = { known: satellite.keys ?? "", talk: talkOn(teller) };
  const all = await addKeys(provider, credentials, { added, ...had });
  const { satellites, byDefault } = recall();
  // One that credentials in the environment find is not remembered: its provider has the keys.
  if (provider.keepKeys === undefined || satellites.some((each) => each.name === name)) {
    remember({ ...satellite, keys: all }, byDefault?.name === name);
  }
  const [first, ...others] = (Keyring.parse(all)?.keys ?? []).map(keyName);
  if (options.json === true) await print(`${JSON.stringify({ seals: first, opens: others })}\n`);
  const opening =
    others.length === 0 ? "" : `, and what others sealed before (${others.join(", ")}) is still opened`;
  teller.note(
    `the key ${first} seals from now on${opening}; other computers take it from skypipe keys export`,
  );
  return 0;
}

/** A satellite whose keys are kept here. */
async function own({ satellite }: KeysOptions): Promise<Remembered> {
  const target = await knownTarget(satellite);
  if (target === null) throw noSatellite();
  if ("url" in target || process.env.SKYPIPE_KEY) {
    throw new WireError(
      "usage",
      'the keys are what SKYPIPE_KEY says here: put a new one before the others there, for example SKYPIPE_KEY="$(skypipe ' +
        'keys new) $SKYPIPE_KEY"',
    );
  }
  return target;
}

async function input(): Promise<string> {
  const source = openInput(sourceOf(STDIN));
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (let part = await source.read(); part !== null; part = await source.read()) {
    bytes += part.length;
    if (bytes > INPUT_BYTES_MAX) throw new WireError("usage", "stdin holds more than keys");
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function nothingKnown(): WireError {
  return new WireError(
    "usage",
    "no key is known here, so nothing is sealed: skypipe setup makes one, skypipe keys add takes one, or set SKYPIPE_KEY",
  );
}
