/** The keys of a satellite's account: made at setup, kept with its provider where that can, remembered here. */
import type { Credentials, Place, Provider, Talk } from "../../../deploy/provider.ts";
import { WireError } from "../../../satellite/wire/errors.ts";
import { formatKey, type Key, makeKey } from "../../client/seal/key.ts";
import { Keyring } from "../../client/seal/keyring.ts";
import { isWrapped, unwrapKey, wrapKey } from "../../client/seal/passphrase.ts";

/** Fewer letters are guessed by who has the text. */
const PASSPHRASE_CHARS_MIN = 12;

/**
 * The keys for a satellite that was just set up: those that its provider keeps, those that were known here, or a new
 * one. What the provider does not have yet is given to it.
 */
export async function keysFor(
  provider: Provider,
  credentials: Credentials,
  { place, known, talk }: { place: Place; known: string | null; talk: Talk },
): Promise<string> {
  const kept = await opened(place.keys ?? "", talk);
  const keys = united([kept, known ?? ""]);
  const before = place.keys ?? null;
  if (keys === "") return newKeys(provider, credentials, { before, talk });
  if (provider.keepKeys === undefined || keys === kept) return keys;
  return keepKeys(provider, credentials, { keys, before, talk });
}

/** A new key; where another computer was faster, its keys alone: that one would not know ours, and nothing is sealed with it. */
async function newKeys(
  provider: Provider,
  credentials: Credentials,
  { before, talk }: { before: string | null; talk: Talk },
): Promise<string> {
  const made = makeKey();
  if (provider.keepKeys === undefined) return made;
  const text = await underPassphrase(made, before, talk);
  const now = await provider.keepKeys(credentials, text, before);
  return now === text ? made : opened(now, talk);
}

/** Gives keys to a provider. Where another computer was faster, what both know is kept. */
async function keepKeys(
  provider: Provider,
  credentials: Credentials,
  { keys, before, talk }: { keys: string; before: string | null; talk: Talk },
): Promise<string> {
  const text = await underPassphrase(keys, before, talk);
  const now = await provider.keepKeys?.(credentials, text, before);
  if (now === undefined || now === text) return keys;
  const all = united([await opened(now, talk), keys]);
  return keepKeys(provider, credentials, { keys: all, before: now, talk });
}

/** Keys as they are kept: under a passphrase where that is wished for, or what was kept `before` is. */
async function underPassphrase(keys: string, before: string | null, talk: Talk): Promise<string> {
  const isWished = talk.wishes.passphrase === true || isAnyWrapped(before ?? "");
  return isWished ? wrapped(keys, await newPassphrase(talk)) : keys;
}

/** Keys added to those that are known here and to those that the provider keeps. */
export async function addKeys(
  provider: Provider,
  credentials: Credentials,
  { added, known, talk }: { added: string; known: string; talk: Talk },
): Promise<string> {
  const kept = provider.keepKeys === undefined ? null : await provider.find(credentials);
  const before = kept?.keys ?? null;
  const keys = united([added, await opened(before ?? "", talk), known]);
  return kept === null ? keys : keepKeys(provider, credentials, { keys, before, talk });
}

/** Keys of all of these, each once: the account's newest first, where it is known when they were made. */
export function united(texts: readonly string[]): string {
  const keys = texts.flatMap((text) => Keyring.parse(text)?.keys ?? []);
  const unique = new Map(keys.map((key) => [formatKey(key), key]));
  return [...unique]
    .toSorted(([, one], [, other]) => madeS(other) - madeS(one))
    .map(([text]) => text)
    .join("\n");
}

function madeS(key: Key): number {
  return key.kind === "account" ? key.createdS : 0;
}

/** What a provider has kept, out from under its passphrase. */
export async function opened(text: string, talk: Talk): Promise<string> {
  if (!isAnyWrapped(text)) return text;
  const passphrase = await askPassphrase(talk, "The passphrase of the key that is kept there");
  const keys: string[] = [];
  for (const each of text.split(/\s+/)) keys.push(await unwrapKey(each, passphrase)); // one at a time: 128 MiB each
  return keys.join("\n");
}

function isAnyWrapped(text: string): boolean {
  return text.split(/\s+/).some(isWrapped);
}

async function wrapped(keys: string, passphrase: string): Promise<string> {
  const texts: string[] = [];
  for (const key of keys.split("\n")) texts.push(await wrapKey(key, passphrase)); // one at a time: 128 MiB each
  return texts.join("\n");
}

/** Throws WireError `usage` where a passphrase is wished for and will not be had: before anything is made that costs. */
export function checkPassphrase({ ask, wishes }: Talk): void {
  if (wishes.passphrase !== true) return;
  const given = process.env.SKYPIPE_PASSPHRASE ?? "";
  if (given !== "") refuseShort(given);
  else if (ask === null) throw nobodyToAsk();
}

async function newPassphrase(talk: Talk): Promise<string> {
  const passphrase = await askPassphrase(talk, "A passphrase to keep the key under");
  refuseShort(passphrase);
  return passphrase;
}

function refuseShort(passphrase: string): void {
  if (passphrase.length >= PASSPHRASE_CHARS_MIN) return;
  throw new WireError(
    "usage",
    `a passphrase of fewer than ${PASSPHRASE_CHARS_MIN} letters is guessed: take four words or more`,
  );
}

async function askPassphrase({ ask }: Talk, message: string): Promise<string> {
  const given = process.env.SKYPIPE_PASSPHRASE;
  if (given !== undefined && given !== "") return given;
  if (ask !== null) return ask.secret(message);
  throw nobodyToAsk();
}

function nobodyToAsk(): WireError {
  return new WireError(
    "usage",
    "the key is kept under a passphrase, and there is no terminal to ask for it: set SKYPIPE_PASSPHRASE",
  );
}
