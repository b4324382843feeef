/** A place where a satellite can live, as the verbs know it. Each has its folder beside this file. */

/**
 * What opens the place: a token, a host. It is remembered as JSON, mode 0600, and given back as it was; a provider
 * must expect that somebody has edited it.
 */
export type Credentials = Readonly<Record<string, string>>;

/**
 * `find`, `deploy`, `upgrade`, `destroy` and `status` may be killed at any moment and called again, and may run on
 * several computers at once: that ends with one satellite, or with none, and with nothing that costs money besides.
 * What goes wrong is a WireError whose one sentence says what happened and what to do, and holds no secret.
 */
export interface Provider {
  /** What `setup` is told and what is remembered. */
  readonly name: string;
  /** For a choice, in a few words; with what it costs, where it costs. */
  readonly title: string;
  /** What its satellite is remembered as where nobody says; default: the provider's name. */
  nickname?(credentials: Credentials): string;
  /** The credentials that the environment holds; `null` if it holds none. No question, no network. */
  inEnvironment(env: NodeJS.ProcessEnv): Credentials | null;
  /**
   * Those of the environment and of the wishes, and answers to questions for what is missing; valid when this
   * resolves. WireError `usage` where something is missing and nobody can be asked, `unauthorized` or `forbidden`
   * where they are wrong.
   */
  credentials(talk: Talk): Promise<Credentials>;
  /** The satellite that these credentials find from any computer; `null` if there is none. Starts and changes nothing. */
  find(credentials: Credentials): Promise<Place | null>;
  /** Makes sure that a satellite is there and healthy. Says what it costs, and has that accepted, before it costs. */
  deploy(credentials: Credentials, talk: Talk): Promise<Place>;
  /** Puts this version there, with what is buffered and the sessions kept. `not-found` if none is there. */
  upgrade(credentials: Credentials, talk: Talk): Promise<Place>;
  /** Ends the satellite and all that it holds, and leaves nothing. Whether there was anything. */
  destroy(credentials: Credentials, talk: Talk): Promise<boolean>;
  /** What the provider says of it; `null` if there is none. */
  status(credentials: Credentials): Promise<PlaceStatus | null>;
  /**
   * Keeps the keys that streams are sealed with, as text, where only the account's owner can read them, so that every
   * computer with the credentials finds them in `Place.keys`. They may be under a passphrase. `before` is what was kept
   * when that was last looked at, `null` for nothing. Gives back what is kept now: where that was not `before` any more,
   * another computer was faster, and nothing is changed. A provider without it leaves that to its user.
   */
  keepKeys?(credentials: Credentials, keys: string, before: string | null): Promise<string>;
  /**
   * What to connect to, at the start of every command. `known` is the place that was remembered or just found, `null`
   * where none was: a provider that needs no more answers with it at once.
   */
  reach(credentials: Credentials, known: Place | null): Promise<Reach>;
}

/** How a satellite is reached. */
export interface Place {
  /** ws, wss, http, https or unix. */
  readonly url: string;
  readonly token?: string;
  /** What its provider needs to know of the way there. */
  readonly via?: string;
  /** What `keepKeys` was given last, from a provider that has that. It is remembered with the satellite, not here. */
  readonly keys?: string;
}

/** A place, and what to do when it does not answer. */
export interface Reach extends Place {
  /** After so long without a connection it is asked for again: it may have gone meanwhile. Default: it stays. */
  readonly attemptMs?: number;
  /** When the connection is lost: opens the way again, if it has gone. No question; rejects if that can't be now. */
  readonly mend?: () => Promise<void>;
  /**
   * When it does not answer, or refuses the token: asks the provider, as somebody may have made another one meanwhile.
   * WireError where there is none any more.
   */
  readonly seek?: () => Promise<Place>;
  /** What is known better of why it does not answer than the error says; or that error. */
  readonly explain?: (error: Error) => Promise<Error>;
}

export interface PlaceStatus {
  readonly place: Place;
  /** For people, in a few words: `app skypipe-1a2b3c of acme`. */
  readonly where: string;
  /** The provider's word: `started`. */
  readonly state: string;
  readonly region?: string;
  /** As `skypipe --version` says it, of what was deployed. */
  readonly version?: string;
  /** SHA-256 of the bundle that was deployed, in hexadecimal. */
  readonly bundle?: string;
}

/** How a provider talks with whoever runs the command. */
export interface Talk {
  /** `null`: nobody can be asked, or nobody shall be. */
  readonly ask: Ask | null;
  readonly tell: Tell;
  readonly wishes: Wishes;
}

/** `step` is a word for a script, such as `volume`; `text` is for people and holds no secret. */
export type Tell = (step: string, text: string) => void;

/** What `setup` was told by its flags. A provider ignores what does not concern it. */
export interface Wishes {
  /** The cost that was shown is accepted. */
  readonly yes?: boolean;
  readonly region?: string;
  readonly org?: string;
  /** The machine's, in the provider's words: `shared-cpu-1x:512`. */
  readonly size?: string;
  /** False: no disk that outlives the machine. Default true. */
  readonly volume?: boolean;
  /** What it is remembered as. */
  readonly name?: string;
  /** What the provider keeps of the keys is under a passphrase. */
  readonly passphrase?: boolean;
  /** For a host of the user's own: `me@example.com`. */
  readonly host?: string;
  /** For a host of the user's own: where its reverse proxy has the satellite. */
  readonly url?: string;
  /** For a host of the user's own: where on its loopback the reverse proxy finds the satellite. */
  readonly port?: number;
}

/** Questions to a person. A `check` gives the reason why an answer is no good, and the question is put again. */
export interface Ask {
  choose<Value extends string>(message: string, choices: readonly Choice<Value>[]): Promise<Value>;
  confirm(message: string, isYesDefault?: boolean): Promise<boolean>;
  text(message: string, check?: Check): Promise<string>;
  /** As `text`, and nothing of the answer is shown. */
  secret(message: string, check?: Check): Promise<string>;
}

interface Choice<Value extends string> {
  readonly name: string;
  readonly value: Value;
}

type Check = (answer: string) => Promise<string | null>;
