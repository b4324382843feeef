/** Links, as people use them: made here, joined elsewhere, ended; and nowhere to be seen. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import type { Bed } from "../support/bed.ts";
import { useBed } from "../support/use-bed.ts";

const ROOT = "root-token-of-the-share-test";
/** Each of these starts a dozen processes, one after the other, on a machine that may be at other things as well. */
const MANY_PROCESSES_MS = 120_000;

/** A satellite with a root token, which the bed's own environment knows. */
async function start(bed: Bed, flags: readonly string[] = []): Promise<void> {
  writeFileSync(bed.path("token"), ROOT);
  await bed.satellite(["--token-file", bed.path("token"), ...flags]);
  bed.env.SKYPIPE_TOKEN = ROOT;
}

/** Another computer: it knows nothing yet. */
function elsewhere(bed: Bed, name = "elsewhere"): NodeJS.ProcessEnv {
  const folder = bed.path(name);
  mkdirSync(folder, { recursive: true });
  return { SKYPIPE_CONFIG_DIR: folder, SKYPIPE_SATELLITE: "", SKYPIPE_TOKEN: "" };
}

async function share(bed: Bed, ...args: string[]): Promise<{ id: string; link: string; token: string }> {
  const { out } = await bed.skypipe(["share", ...args, "--json"]).exits(0);
  const { id, link } = JSON.parse(out) as { id: string; link: string };
  return { id, link, token: tokenIn(link) };
}

function tokenIn(link: string): string {
  return secretIn(link, "t");
}

function keyIn(link: string): string {
  return secretIn(link, "k");
}

function secretIn(link: string, name: "t" | "k"): string {
  return new URLSearchParams(new URL(link).hash.slice(1)).get(name) ?? "";
}

async function joins(bed: Bed, link: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const proc = bed.skypipe(["join", ...args], { stdin: "socket", env });
  proc.end(`${link}\n`);
  return (await proc.exits(0)).err;
}

it(
  "a link to read: joined from stdin, its pipe works there, and nothing else does",
  async () => {
    const bed = useBed();
    await start(bed);
    const env = elsewhere(bed);
    const made = bed.skypipe(["share", "logs/web", "--read", "--expires", "7d"]);
    const { out, err } = await made.exits(0);
    expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#t=[\w.-]+\n$/);
    expect(err).toMatch(
      /may read pipe 'logs\/web', until \d{4}-\d\d-\d\d \d\d:\d\d UTC; skypipe share --revoke \w+ ends it/,
    );
    expect(err).toMatch(/keeps nothing on disk/);
    expect(err).toMatch(/which is this computer/);

    expect(await joins(bed, out.trim(), env)).toContain("you may read pipe 'logs/web'");
    await bed.shell("echo hello | skypipe logs/web").exits(0);
    expect((await bed.skypipe(["logs/web"], { env }).exits(0)).out).toBe("hello\n");
    const refused = await bed.shell("echo x | skypipe send logs/web", { env }).exits(4);
    expect(refused.err).toContain("the link to pipe 'logs/web' lets you read it, and nothing else");
    await bed.skypipe(["rm", "logs/web"], { env }).exits(4);
    await bed.shell("echo hello | skypipe other").exits(0);
    await bed.shell("echo again | skypipe logs/web").exits(0);
    const listed = JSON.parse((await bed.skypipe(["ls", "--json"], { env }).exits(0)).out) as unknown;
    expect(listed).toMatchObject([{ name: "logs/web", streams: 1 }]); // and not the other one
    expect(statSync(path.join(bed.path("elsewhere"), "links.json")).mode & 0o777).toBe(0o600);
  },
  MANY_PROCESSES_MS,
);

it(
  "a link to write is for writing; under another name, where that one is taken",
  async () => {
    const bed = useBed();
    await start(bed);
    const env = elsewhere(bed);
    const { link } = await share(bed, "logs", "--write");
    expect(await joins(bed, link, env, "--as", "theirs")).toContain(
      "you may write pipe 'theirs' (there: pipe 'logs')",
    );
    await bed.shell("echo from there | skypipe theirs", { env }).exits(0);
    await bed.skypipe(["recv", "theirs"], { env }).exits(4);
    expect((await bed.skypipe(["logs"]).exits(0)).out).toBe("from there\n");
    const listed = JSON.parse(
      (await bed.skypipe(["join", "--list", "--json"], { env }).exits(0)).out,
    ) as object[];
    expect(listed).toMatchObject([{ name: "theirs", pipe: "logs", right: "write", expiresAt: null }]);
    expect(JSON.stringify(listed)).not.toContain(tokenIn(link));
    await bed.skypipe(["join", "--forget", "theirs"], { env }).exits(0);
    await bed.skypipe(["join", "--forget", "theirs"], { env }).exits(1);
    await bed.shell("echo x | skypipe theirs", { env }).exits(3);
  },
  MANY_PROCESSES_MS,
);

it(
  "where there are only links, check says what each is good for, and what is not for them is refused in words",
  async () => {
    const bed = useBed();
    await start(bed);
    const env = elsewhere(bed);
    const write = await share(bed, "logs", "--write");
    await joins(bed, write.link, env);
    const refused = (await bed.skypipe(["ls"], { env }).exits(4)).err;
    expect(refused).toMatch(
      /a link does not list pipes: this one lets you write pipe 'logs' at 127\.0\.0\.1:/,
    );
    expect((await bed.skypipe(["upgrade"], { env }).exits(4)).err).toMatch(/a link does not upgrade/);
    const report = (await bed.skypipe(["check"], { env }).exits(0)).out;
    expect(report).toMatch(/^link +you may write pipe 'logs' at 127\.0\.0\.1:\d+, until it is revoked$/m);
    expect(report).toMatch(/^version +skypipe\/\d/m);
    expect(report).not.toContain(write.token);

    // Of one that was revoked, the others' answers are not held up.
    const read = await share(bed, "photos", "--read");
    await joins(bed, read.link, env, "--as", "theirs");
    await bed.shell("echo photo | skypipe photos").exits(0);
    await bed.skypipe(["share", "--revoke", write.id]).exits(0);
    const { out, err } = await bed.skypipe(["check", "--json"], { env }).exits(4);
    expect(JSON.parse(out)).toMatchObject({
      where: "links",
      links: [
        { name: "logs", running: false, error: { code: "unauthorized" } },
        { name: "theirs", pipe: "photos", right: "read", running: true, error: null },
      ],
    });
    expect(err).toMatch(/the link to pipe 'logs' is not good any more/);
    const listed = await bed.skypipe(["ls", "--json"], { env }).exits(0);
    expect(JSON.parse(listed.out)).toMatchObject([{ name: "theirs", streams: 1 }]);

    const alone = { ...elsewhere(bed, "container"), SKYPIPE_LINK: read.link };
    expect((await bed.skypipe(["check"], { env: alone }).exits(0)).out).toMatch(/you may read pipe 'photos'/);
    expect((await bed.skypipe(["ls"], { env: alone }).exits(0)).out).toMatch(/^photos +1 /m);
    // A satellite of one's own goes before.
    await bed.skypipe(["ls"], { env: { ...env, SKYPIPE_SATELLITE: "local" } }).exits(0);
  },
  MANY_PROCESSES_MS,
);

it(
  "two links to one pipe: one to read, one to write, and each is used for what it is good for",
  async () => {
    const bed = useBed();
    await start(bed);
    const env = elsewhere(bed);
    for (const right of ["--read", "--write"]) await joins(bed, (await share(bed, "p", right)).link, env);
    await bed.shell("echo both ways | skypipe p", { env }).exits(0);
    expect((await bed.skypipe(["p"], { env }).exits(0)).out).toBe("both ways\n");
  },
  MANY_PROCESSES_MS,
);

it(
  "SKYPIPE_LINK is used without joining, and names the pipe",
  async () => {
    const bed = useBed();
    await start(bed);
    const { link } = await share(bed, "jobs", "--read", "--write");
    const env = { ...elsewhere(bed), SKYPIPE_LINK: link };
    await bed.shell("echo one | skypipe", { env }).exits(0);
    expect((await bed.skypipe(["jobs"], { env }).exits(0)).out).toBe("one\n");
    const other = await bed.shell("echo one | skypipe other", { env }).exits(2);
    expect(other.err).toContain("SKYPIPE_LINK is for pipe 'jobs', and not for pipe 'other'");
    const broken = await bed
      .skypipe(["recv"], { env: { ...env, SKYPIPE_LINK: link.slice(0, -60) } })
      .exits(2);
    expect(broken.err).toContain("SKYPIPE_LINK: that is not a link");
  },
  MANY_PROCESSES_MS,
);

it(
  "a joined link is used where SKYPIPE_SATELLITE names its satellite and there is no other token",
  async () => {
    const bed = useBed();
    await start(bed);
    const { link } = await share(bed, "p", "--write");
    const env = { ...elsewhere(bed), SKYPIPE_SATELLITE: bed.env.SKYPIPE_SATELLITE };
    await joins(bed, link, env);
    await bed.shell("echo x | skypipe p", { env }).exits(0);
    await bed.shell("echo x | skypipe q", { env }).exits(4);
  },
  MANY_PROCESSES_MS,
);

it(
  "[A-11] a link on the command line is refused without being repeated",
  async () => {
    const bed = useBed();
    await start(bed);
    const { link, token } = await share(bed, "p", "--read");
    for (const args of [["join", link], [link], ["recv", "p", "--", link]]) {
      const { err } = await bed.skypipe(args).exits(2);
      expect(err).toMatch(/a link is a secret, .*run skypipe join, which asks for it/);
      expect(err).not.toContain(token);
    }
  },
  MANY_PROCESSES_MS,
);

it(
  "[A-11] a prompt takes a link, and does not show it; it stands in no process title and no log",
  async () => {
    const bed = useBed();
    await start(bed);
    const { link, token } = await share(bed, "p", "--read");
    const env = elsewhere(bed);
    const pty = bed.pty("skypipe join", env);
    await pty.sees(/link/i);
    await pty.type(`${link}\r`);
    await pty.exits(0);
    expect(pty.raw).toContain("joined");
    expect(pty.raw).not.toContain(token.slice(-20));

    const reader = bed.skypipe(["p"], { env });
    await bed.pipe("p", { readers: 1 });
    for (const pid of bed.running("p"))
      expect(readFileSync(`/proc/${pid}/cmdline`, "latin1")).not.toContain(token);
    await bed.shell("echo x | skypipe p").exits(0);
    expect((await reader.exits(0)).err).not.toContain(token);
  },
  MANY_PROCESSES_MS,
);

it(
  "[A-6] revoking ends what runs, with a sentence, and the link",
  async () => {
    const bed = useBed();
    await start(bed);
    const env = elsewhere(bed);
    const { id, link } = await share(bed, "p", "--write");
    await joins(bed, link, env);
    const writer = bed.skypipe(["send", "p"], { stdin: "socket", env });
    await writer.write("line\n");
    await bed.pipe("p", { writers: 1, bytes: 5 });
    const reader = bed.skypipe(["recv", "p"]);
    await reader.puts("line\n");
    const { err } = await bed.skypipe(["share", "--revoke", id]).exits(0);
    expect(err).toContain(`revoked: the link ${id}`);
    expect((await writer.exits(4)).err).toContain("this link was revoked");
    expect((await reader.exits(5)).err).toContain("link is not good any more");
    const late = await bed.shell("echo x | skypipe p", { env }).exits(4);
    expect(late.err).toContain("the link to pipe 'p' is not good any more");
    await bed.skypipe(["share", "--revoke", id]).exits(1);
  },
  MANY_PROCESSES_MS,
);

it(
  "[A-7] a link for one use is used once",
  async () => {
    const bed = useBed();
    await start(bed);
    const env = elsewhere(bed);
    await joins(bed, (await share(bed, "p", "--read", "--once")).link, env);
    await bed.shell("echo first | skypipe p; echo second | skypipe p").exits(0);
    expect((await bed.skypipe(["p"], { env }).exits(0)).out).toBe("first\n");
    await bed.skypipe(["p"], { env }).exits(4);
    const rows = JSON.parse((await bed.skypipe(["share", "--list", "--json"]).exits(0)).out) as object[];
    expect(rows).toMatchObject([{ pipe: "p", right: "read", once: true, used: true, expiresAt: null }]);
    expect((await bed.skypipe(["share", "--list"]).exits(0)).out).toMatch(
      /^ID +PIPE +RIGHT +USE +CREATED +EXPIRES\n\w+ +p +read +used /,
    );
  },
  MANY_PROCESSES_MS,
);

it(
  "[A-4] with --data a link outlives the satellite's process, without it does not",
  async () => {
    const bed = useBed();
    writeFileSync(bed.path("token"), ROOT);
    const flags = ["satellite", "--token-file", bed.path("token")];
    const run = async (more: readonly string[]): Promise<{ url: string; stop(): Promise<unknown> }> => {
      const proc = bed.skypipe([...flags, ...more]);
      await proc.puts("\n");
      const stop = async (): Promise<unknown> => {
        proc.kill("SIGKILL");
        return proc.exited;
      };
      return { url: proc.out.trim(), stop };
    };
    bed.env.SKYPIPE_TOKEN = ROOT;
    for (const [more, status] of [[["--data", bed.path("data")], 0] as const, [["--memory"], 4] as const]) {
      const first = await run(more);
      bed.env.SKYPIPE_SATELLITE = first.url;
      const { link } = await share(bed, "p", "--write");
      await first.stop();
      const second = await run([...more, "--port", new URL(first.url).port]);
      await bed.shell("echo x | skypipe", { env: { ...elsewhere(bed), SKYPIPE_LINK: link } }).exits(status);
      await second.stop();
    }
  },
  MANY_PROCESSES_MS,
);

it(
  "what cannot be shared is said in a sentence",
  async () => {
    const bed = useBed();
    const local = await bed
      .skypipe(["share", "p", "--read"], { env: { SKYPIPE_SATELLITE: "local" } })
      .exits(2);
    expect(local.err).toContain("reached over a Unix socket");
    await bed.satellite();
    expect((await bed.skypipe(["share", "p", "--read"]).exits(2)).err).toContain(
      "this satellite has no token",
    );
    for (const args of [["p"], [], ["--read"], ["p", "--list"], ["--list", "--revoke", "x"]]) {
      expect((await bed.skypipe(["share", ...args]).exits(2)).err).toContain("for example skypipe share");
    }
    await bed.skypipe(["join"]).exits(2);
    const junk = bed.skypipe(["join"], { stdin: "socket" });
    junk.end("secret words\n");
    expect((await junk.exits(2)).err).not.toContain("secret words");
  },
  MANY_PROCESSES_MS,
);

it(
  "[A-10] [Z-2] a link to a sealed pipe brings the key of that pipe, and one to write only its public key",
  async () => {
    const bed = useBed();
    await start(bed);
    bed.env.SKYPIPE_KEY = (await bed.skypipe(["keys", "new"]).exits(0)).out.trim();
    const reader = elsewhere(bed, "reader");
    const writer = elsewhere(bed, "writer");
    for (const env of [reader, writer]) env.SKYPIPE_KEY = "";
    const toRead = await share(bed, "vault", "--read");
    const toWrite = await share(bed, "vault", "--write");
    expect(keyIn(toRead.link)).toMatch(/^skypipe_r1_/);
    expect(keyIn(toWrite.link)).toMatch(/^skypipe_w1_/);
    await joins(bed, toRead.link, reader);
    await joins(bed, toWrite.link, writer);

    await bed.shell("echo from the owner | skypipe vault").exits(0);
    expect((await bed.skypipe(["vault"], { env: reader }).exits(0)).out).toBe("from the owner\n");
    await bed.shell("echo from the shipper | skypipe vault", { env: writer }).exits(0);
    expect((await bed.skypipe(["vault"]).exits(0)).out).toBe("from the shipper\n");

    // The key of a link to write opens nothing, even with a token that may read.
    await bed.shell("echo secret | skypipe vault").exits(0);
    const thief = { SKYPIPE_KEY: keyIn(toWrite.link) };
    expect((await bed.skypipe(["recv", "vault", "--timeout", "20s"], { env: thief }).exits(5)).out).toBe("");
    expect((await bed.skypipe(["vault"]).exits(0)).out).toBe("secret\n");
  },
  MANY_PROCESSES_MS,
);
