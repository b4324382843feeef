/** The satellite on a host of one's own: a real ssh to a real sshd, set up, used, cut, upgraded and taken away. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Bed } from "../support/bed.ts";
import { MiB, noiseFile } from "../support/bytes.ts";
import { Authority } from "../support/certificates.ts";
import { useProxy } from "../support/connect-proxy.ts";
import { Sshd, type SshdOptions } from "../support/sshd.ts";
import { useTls } from "../support/tls-front.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";

interface Host {
  bed: Bed;
  sshd: Sshd;
}

async function useHost(options?: SshdOptions): Promise<Host> {
  const bed = useBed();
  return { bed, sshd: await Sshd.start(bed, options) };
}

/** A host on which the satellite is set up. */
async function useSetUp(options?: SshdOptions): Promise<Host> {
  const host = await useHost(options);
  await host.bed.skypipe(["setup", "ssh", host.sshd.alias, "--yes"]).exits(0, SLOW_MS);
  return host;
}

/** The processes here that hold the way open. */
function ways({ bed }: Host): number[] {
  return bed.marked((words) => path.basename(words[0] ?? "") === "ssh" && words.includes("-L"));
}

/** ssh, several times, on a machine that is busy. */
const SLOW_MS = 120_000;
const LONG_MS = 300_000;

describe("setup ssh", () => {
  it(
    "installs it there, and it is used, told of and taken away",
    async () => {
      const { bed, sshd } = await useHost();
      const setup = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes", "--json"]).exits(0, SLOW_MS);
      expect(JSON.parse(setup.out)).toMatchObject({ where: "ssh", name: sshd.alias });
      await bed.shell("echo one | skypipe x").exits(0, SLOW_MS);
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("one\n");

      const check = await bed.skypipe(["check"]).exits(0, SLOW_MS);
      expect(check.out).toMatch(/where +sky\.test, in .*skypipe\/satellite, kept running by a supervisor/);
      expect(check.out).toMatch(/bundle +[0-9a-f]{64} \(the same as this command's\)/);
      const facts = JSON.parse((await bed.skypipe(["check", "--json"]).exits(0, SLOW_MS)).out) as object;
      expect(facts).toMatchObject({ where: "ssh", name: sshd.alias, isOwnBundle: true, store: "files" });

      const root = path.join(sshd.home, ".local/share/skypipe/satellite");
      expect(statSync(root).mode & 0o777).toBe(0o700);
      expect(statSync(path.join(root, "socket")).mode & 0o777).toBe(0o600);
      await bed.skypipe(["reset", "--yes"]).exits(0, SLOW_MS);
      expect(sshd.leftovers()).toEqual([]);
      expect([...sshd.satellites(), ...sshd.supervisors()]).toEqual([]);
      await until("ssh has gone too", () => ways({ bed, sshd }).length === 0);
      await bed.skypipe(["x"]).exits(3, SLOW_MS);
    },
    LONG_MS,
  );

  it(
    "asks before it installs anything, and without a terminal wants --yes",
    async () => {
      const { bed, sshd } = await useHost();
      const { err } = await bed.skypipe(["setup", "ssh", sshd.alias]).exits(2, SLOW_MS);
      expect(err).toMatch(/setup would install the satellite for .* on sky\.test .*--yes/);
      expect(sshd.leftovers()).toEqual([]);
    },
    LONG_MS,
  );

  it(
    "on first use: chosen, asked, installed, and the typed command goes on with its stdin",
    async () => {
      const { bed, sshd } = await useHost();
      const screen = await bed.screen();
      await screen.type("echo typed | skypipe x");
      await screen.shows(/where should it live/i);
      await screen.press("Down");
      await screen.shows(/❯ ssh/);
      await screen.press("Enter");
      await screen.shows(/Which host/);
      await screen.type(sshd.alias);
      await screen.shows(/Shall skypipe install/);
      await screen.type("y");
      await screen.shows(/\n\$ $/, SLOW_MS);
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("typed\n");
    },
    LONG_MS,
  );

  it(
    "finds it from a second computer, which asks nothing",
    async () => {
      const { bed, sshd } = await useSetUp();
      await bed.shell("echo one | skypipe x").exits(0, SLOW_MS);
      const other = { env: { SKYPIPE_CONFIG_DIR: bed.path("other") } };
      const setup = await bed.skypipe(["setup", "ssh", sshd.alias], other).exits(0, SLOW_MS);
      expect(setup.err).toMatch(/there is one on sky\.test, of version/);
      expect((await bed.skypipe(["x"], other).exits(0, SLOW_MS)).out).toBe("one\n");
      expect(sshd.satellites()).toHaveLength(1);
    },
    LONG_MS,
  );

  it(
    "at once from two computers ends with one",
    async () => {
      const { bed, sshd } = await useHost();
      const line = ["setup", "ssh", sshd.alias, "--yes"];
      const other = { env: { SKYPIPE_CONFIG_DIR: bed.path("other") } };
      const both = [bed.skypipe(line), bed.skypipe(line, other)];
      for (const each of both) await each.exits(0, SLOW_MS);
      await bed.shell("echo one | skypipe x").exits(0, SLOW_MS);
      expect((await bed.skypipe(["x"], other).exits(0, SLOW_MS)).out).toBe("one\n");
      expect([sshd.satellites().length, sshd.supervisors().length]).toEqual([1, 1]);
    },
    LONG_MS,
  );

  it(
    "goes through jump hosts, as their own config says",
    async () => {
      const { bed, sshd } = await useHost();
      sshd.configure(["Host inner.test", "  ProxyJump jump.test", ...sshd.clientConfig]);
      // ssh runs the ssh of the jump by its own path, and gives it its own config.
      await bed.skypipe(["setup", "ssh", "inner.test", "--yes"]).exits(0, SLOW_MS);
      await bed.shell("echo one | skypipe x").exits(0, SLOW_MS);
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("one\n");
    },
    LONG_MS,
  );

  it(
    "is not disturbed by what a config or a shell there does besides",
    async () => {
      const { bed, sshd } = await useHost();
      const more = [
        "RequestTTY force",
        "RemoteCommand echo no",
        "LocalForward 127.0.0.1:1 127.0.0.1:1",
        "ControlMaster auto",
      ];
      sshd.configure([...more, `ControlPath ${bed.path("master")}`, ...sshd.clientConfig]);
      writeFileSync(path.join(sshd.home, ".bashrc"), "echo 'Welcome to the host!'\n");
      await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(0, SLOW_MS);
      await bed.shell("echo one | skypipe x").exits(0, SLOW_MS);
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("one\n");
    },
    LONG_MS,
  );
});

describe("the way there", () => {
  it(
    "is one ssh for all commands",
    async () => {
      const host = await useSetUp();
      const { bed, sshd } = host;
      for (const pid of ways(host)) process.kill(pid, "SIGKILL");
      await until("it is closed", () => ways(host).length === 0);
      const readers = Array.from({ length: 6 }, () => bed.skypipe(["x"]));
      await bed.pipe("x", { readers: 6 });
      expect(ways(host)).toHaveLength(1);
      await bed.shell("echo all | skypipe x").exits(0, SLOW_MS);
      for (const reader of readers) expect((await reader.exits(0, SLOW_MS)).out).toBe("all\n");
      expect(sshd.satellites()).toHaveLength(1);
    },
    LONG_MS,
  );

  it(
    "is cut in the middle of a transfer, again and again, and no byte is lost",
    async () => {
      const host = await useSetUp();
      const { bed, sshd } = host;
      noiseFile(bed.path("file"), 24 * MiB, 7);
      const reader = bed.skypipe(["recv", "x", "-o", "got"]);
      await bed.pipe("x", { readers: 1 });
      const writer = bed.skypipe(["send", "x", "file", "--limit", "4M"]);
      for (let cuts = 0; cuts < 3; cuts++) {
        await bed.pipe("x", { writers: 1 });
        sshd.cut();
        await until("the way is open again", () => ways(host).length === 1);
      }
      await writer.exits(0, SLOW_MS);
      await reader.exits(0, SLOW_MS);
      await bed.shell("cmp file got").exits(0, SLOW_MS);
    },
    LONG_MS,
  );

  it(
    "opens again when sshd has been away",
    async () => {
      const { bed, sshd } = await useSetUp();
      const reader = bed.skypipe(["recv", "x", "--follow"]);
      await bed.pipe("x", { readers: 1 });
      await sshd.down();
      const late = bed.shell("echo while it was away | skypipe x");
      await reader.says(/connection to .* lost/);
      await sshd.up();
      await late.exits(0, SLOW_MS);
      await reader.puts("while it was away\n", SLOW_MS);
      reader.kill("SIGINT");
      await reader.exits(130, SLOW_MS);
    },
    LONG_MS,
  );
});

describe("the satellite there", () => {
  it(
    "is started again when it was killed, and keeps what it held",
    async () => {
      const { bed, sshd } = await useSetUp();
      await bed.shell("echo kept | skypipe x").exits(0, SLOW_MS);
      const [killed = 0] = sshd.satellites();
      process.kill(killed, "SIGKILL");
      await until("another one runs", () => sshd.satellites().some((pid) => pid !== killed));
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("kept\n");
    },
    LONG_MS,
  );

  it(
    "that was stopped is told of, and setup starts it",
    async () => {
      const { bed, sshd } = await useSetUp();
      await bed.shell("echo kept | skypipe x").exits(0, SLOW_MS);
      for (const pid of [...sshd.supervisors(), ...sshd.satellites()]) process.kill(pid, "SIGKILL");
      const { err } = await bed.skypipe(["x"]).exits(3, SLOW_MS);
      expect(err).toMatch(
        /the satellite on sky\.test is not running: start it with skypipe setup ssh sky\.test/,
      );
      await bed.skypipe(["setup", "ssh", sshd.alias]).exits(0, SLOW_MS);
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("kept\n");
    },
    LONG_MS,
  );

  it(
    "that another computer has taken away is told of as gone, with exit 3",
    async () => {
      const { bed, sshd } = await useSetUp();
      const other = { env: { SKYPIPE_CONFIG_DIR: bed.path("other") } };
      await bed.skypipe(["setup", "ssh", sshd.alias], other).exits(0, SLOW_MS);
      await bed.skypipe(["reset", "--yes"], other).exits(0, SLOW_MS);
      const { err } = await bed.skypipe(["ls"]).exits(3, SLOW_MS);
      expect(err).toMatch(
        /there is no satellite on sky\.test: bring it there with skypipe setup ssh sky\.test/,
      );
    },
    LONG_MS,
  );

  it(
    "is upgraded in the middle of a transfer, with its backlog, and only where that is another version",
    async () => {
      const { bed, sshd } = await useSetUp();
      const same = await bed.skypipe(["upgrade"]).exits(0, SLOW_MS);
      expect(same.err).toMatch(/is of this version already/);
      pretendOther(sshd, { version: "99.0.0", sha256: "0".repeat(64) });
      const newer = await bed.skypipe(["upgrade"]).exits(2, SLOW_MS);
      expect(newer.err).toMatch(
        /is newer \(99\.0\.0\) than this command .*npm install -g skypipe, or say skypipe upgrade --yes/,
      );
      const [before] = sshd.satellites();
      pretendOther(sshd, { version: "0.0.1", sha256: "0".repeat(64) });
      const found = await bed.skypipe(["setup", "ssh", sshd.alias]).exits(0, SLOW_MS);
      expect(found.err).toMatch(/of version 0\.0\.1: skypipe upgrade puts this command's there/);

      await bed.shell("echo kept | skypipe backlog").exits(0, SLOW_MS);
      noiseFile(bed.path("file"), 12 * MiB, 8);
      const reader = bed.skypipe(["recv", "x", "-o", "got"]);
      await bed.pipe("x", { readers: 1 });
      const writer = bed.skypipe(["send", "x", "file", "--limit", "3M"]);
      await bed.pipe("x", { writers: 1 });
      const upgrade = await bed.skypipe(["upgrade", "--json"]).exits(0, SLOW_MS);
      expect(JSON.parse(upgrade.out)).toMatchObject({ from: "0.0.1", upgraded: true });
      expect(sshd.satellites()).not.toContain(before);

      await writer.exits(0, SLOW_MS);
      await reader.exits(0, SLOW_MS);
      await bed.shell("cmp file got").exits(0, SLOW_MS);
      expect((await bed.skypipe(["backlog"]).exits(0, SLOW_MS)).out).toBe("kept\n");
    },
    LONG_MS,
  );

  it(
    "behind a reverse proxy is reached by its URL, with the token that is on the host",
    async () => {
      const { bed, sshd } = await useHost();
      const authority = new Authority(bed.dir);
      const port = await Sshd.freePort();
      const front = await useTls(authority.issue("pipes.test"), port);
      const proxy = await useProxy({ hosts: { "pipes.test:443": front } });
      bed.env.NODE_EXTRA_CA_CERTS = authority.file;
      const line = [
        "setup",
        "ssh",
        sshd.alias,
        "--url",
        "https://pipes.test",
        "--port",
        String(port),
        "--yes",
      ];
      const closed = await bed.skypipe(line).exits(0, SLOW_MS);
      expect(closed.err).toMatch(
        /runs on the host at 127\.0\.0\.1:\d+; let your reverse proxy lead https:\/\/pipes\.test there/,
      );

      bed.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
      await bed.shell("echo one | skypipe x").exits(0, SLOW_MS);
      const other = { env: { SKYPIPE_CONFIG_DIR: bed.path("other") } };
      await bed.skypipe(["setup", "ssh", sshd.alias], other).exits(0, SLOW_MS);
      expect((await bed.skypipe(["x"], other).exits(0, SLOW_MS)).out).toBe("one\n");
      const token = readFileSync(path.join(sshd.home, ".local/share/skypipe/satellite/token"), "utf8").trim();
      expect(token).toMatch(/^[\w-]{43}$/);
      expect((await bed.skypipe(["check"], other).exits(0, SLOW_MS)).out).not.toContain(token);
      await bed.skypipe(["ls"], { env: { SKYPIPE_SATELLITE: "https://pipes.test" } }).exits(4, SLOW_MS);
    },
    LONG_MS,
  );

  it(
    "is not taken for one that something else has the port of",
    async () => {
      const { bed, sshd } = await useHost();
      const other = http.createServer((_request, response) => void response.end("ok"));
      await new Promise<void>((resolve) => {
        other.listen(0, "127.0.0.1", resolve);
      });
      onTestFinished(() => void other.close());
      const { port } = other.address() as AddressInfo;
      const line = ["setup", "ssh", sshd.alias, "--url", "https://pipes.test", "--yes", "--port"];
      const { err } = await bed.skypipe([...line, String(port)]).exits(3, SLOW_MS);
      expect(err).toMatch(/does not start there: .*something else listens there already/);
      const free = await Sshd.freePort();
      expect((await bed.skypipe([...line, String(free)]).exits(0, SLOW_MS)).err).toMatch(
        /it runs on the host/,
      );
    },
    LONG_MS,
  );
});

/** As if another skypipe had installed it. */
function pretendOther(sshd: Sshd, change: object): void {
  const file = path.join(sshd.home, ".local/share/skypipe/satellite/satellite.json");
  const installed = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...installed, ...change }));
}

/** Programs that stand before the host's own. */
async function useHostWith(stubs: Readonly<Record<string, string>>): Promise<Host> {
  const bed = useBed();
  for (const [name, script] of Object.entries(stubs))
    bed.write(`stubs/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
  const searchPath = [bed.path("stubs"), path.dirname(process.execPath), "/usr/bin:/bin"].join(":");
  return { bed, sshd: await Sshd.start(bed, { path: searchPath }) };
}

describe("on a host", () => {
  it(
    "with systemd it is a unit of the user's, told to go on without a login",
    async () => {
      // No systemd runs here: what it would be asked is written down, and done as it would do it.
      const { bed, sshd } = await useHostWith({
        systemctl: `cd "$HOME/.." || exit 1
echo "systemctl $*" >>asked
end() { [ -f unit.pid ] && kill "$(cat unit.pid)"; rm -f unit.pid; }
case $2 in
  restart) end; setsid sh -c "echo \\$\\$ >unit.pid; exec $(sed -n s/^ExecStart=//p there/.config/systemd/user/skypipe.service)" >/dev/null 2>&1 & ;;
  disable) end ;;
esac`,
        loginctl: 'echo "loginctl $*" >>"$HOME/../asked"; [ "$1" = show-user ] && echo Linger=no',
      });
      const setup = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(0, SLOW_MS);
      expect(setup.err).toMatch(/it runs while \w+ is logged in.*sudo loginctl enable-linger/);
      await bed.shell("echo kept | skypipe x").exits(0, SLOW_MS);
      expect((await bed.skypipe(["check"]).exits(0, SLOW_MS)).out).toMatch(/kept running by systemd/);
      expect([sshd.satellites().length, sshd.supervisors().length]).toEqual([1, 0]);

      pretendOther(sshd, { version: "0.0.1", sha256: "0".repeat(64) });
      await bed.skypipe(["upgrade"]).exits(0, SLOW_MS);
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("kept\n");
      await bed.skypipe(["reset", "--yes"]).exits(0, SLOW_MS);
      expect(sshd.leftovers()).toEqual([]);
      await until("it has gone", () => sshd.satellites().length === 0);
      const asked = readFileSync(bed.path("asked"), "utf8").split("\n");
      const changes = asked
        .filter((line) => !/ show|^$/.test(line))
        .map((line) => line.replace("--user ", ""));
      const started = ["daemon-reload", "enable skypipe.service", "restart skypipe.service"];
      const ended = ["disable --now skypipe.service", "daemon-reload", "reset-failed skypipe.service"];
      const linger = "loginctl --no-ask-password enable-linger";
      const [first, again, gone] = [started, started, ended].map((words) =>
        words.map((word) => `systemctl ${word}`),
      );
      expect(changes).toEqual([...(first ?? []), linger, ...(again ?? []), linger, ...(gone ?? [])]);
    },
    LONG_MS,
  );

  it(
    "without systemd it is started at each boot by a line of the crontab, which goes again",
    async () => {
      const file = '"$HOME/../crontab"';
      const { bed, sshd } = await useHostWith({
        crontab: `case $1 in -l) cat ${file} ;; -r) rm ${file} ;; *) cat >${file} ;; esac`,
      });
      bed.write("crontab", "5 4 * * * backup\n");
      await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(0, SLOW_MS);
      await bed.shell("echo kept | skypipe x").exits(0, SLOW_MS);
      const [others, ours = ""] = readFileSync(bed.path("crontab"), "utf8").split("\n");
      expect(others).toBe("5 4 * * * backup");
      expect(ours).toMatch(/^@reboot \/bin\/sh '.*' # skypipe satellite$/);

      // A reboot: everything ends, and cron runs the line.
      for (const pid of [...sshd.supervisors(), ...sshd.satellites()]) process.kill(pid, "SIGKILL");
      await until("everything has ended", () => sshd.satellites().length === 0);
      bed.shell(ours.replace("@reboot ", "setsid "));
      await until("it is up", () => sshd.satellites().length === 1);
      expect((await bed.skypipe(["x"]).exits(0, SLOW_MS)).out).toBe("kept\n");

      await bed.skypipe(["reset", "--yes"]).exits(0, SLOW_MS);
      expect(readFileSync(bed.path("crontab"), "utf8")).toBe("5 4 * * * backup\n");
      expect([...sshd.leftovers(), ...sshd.supervisors(), ...sshd.satellites()]).toEqual([]);
    },
    LONG_MS,
  );
});

describe("a failure is ssh's own words and what to do", () => {
  it(
    "of a host that is not known yet, without a terminal",
    async () => {
      const { bed, sshd } = await useHost();
      writeFileSync(sshd.knownHosts, "");
      const { err } = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(4, SLOW_MS);
      expect(err).toMatch(
        /ssh sky\.test failed \(.*\): its key is not known here yet: log in once with ssh sky\.test/,
      );
    },
    LONG_MS,
  );

  it(
    "and on a terminal ssh asks by itself",
    async () => {
      const { bed, sshd } = await useHost();
      writeFileSync(sshd.knownHosts, "");
      const screen = await bed.screen();
      await screen.type(`skypipe setup ssh ${sshd.alias} --yes`);
      await screen.shows(/continue connecting/);
      await screen.type("yes");
      await screen.shows(/the satellite is ready/, SLOW_MS);
    },
    LONG_MS,
  );

  it(
    "of a host whose key has changed",
    async () => {
      const { bed, sshd } = await useHost();
      const other = readFileSync(path.join(path.dirname(sshd.knownHosts), "user_key.pub"), "utf8");
      writeFileSync(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${other}`);
      expect((await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(4, SLOW_MS)).err).toMatch(
        /another one than before/,
      );
    },
    LONG_MS,
  );

  it(
    "of a login that is refused",
    async () => {
      const { bed, sshd } = await useHost({ config: ["AuthorizedKeysFile /dev/null"] });
      const { err } = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(4, SLOW_MS);
      expect(err).toMatch(/Permission denied.*ssh-copy-id sky\.test/);
    },
    LONG_MS,
  );

  it(
    "of a host that is not there",
    async () => {
      const { bed, sshd } = await useHost();
      await sshd.down();
      const { err } = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(3, SLOW_MS);
      expect(err).toMatch(/Connection refused\): check that the host is up/);
      expect((await bed.skypipe(["setup", "ssh", "no.such.invalid", "--yes"]).exits(3, SLOW_MS)).err).toMatch(
        /check the name/,
      );
    },
    LONG_MS,
  );

  it(
    "of a host without Node, or with an old one",
    async () => {
      const { bed, sshd } = await useHost();
      for (const [found, sentence] of [
        ["v18.19.0", /needs Node 20\.19 or newer on sky\.test, and only v18\.19\.0 is there: install it/],
        ["none", /needs Node 20\.19 or newer on sky\.test, and none is there: install it/],
      ] as const) {
        // What the host says; test/deploy/ssh.test.ts has it looked for.
        bed.write("bin/ssh", `#!/bin/sh\ncat >/dev/null\necho skypipe-no-node:${found}\n`, 0o755);
        const { err } = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(2, SLOW_MS);
        expect(err).toMatch(sentence);
      }
    },
    LONG_MS,
  );

  it(
    "of a host that shares its home with the one on which the satellite runs",
    async () => {
      const { bed, sshd } = await useSetUp();
      pretendOther(sshd, { machine: "another", hostname: "login2" });
      for (const line of [["setup", "ssh", sshd.alias], ["upgrade"], ["reset", "--yes"]]) {
        expect((await bed.skypipe(line).exits(3, SLOW_MS)).err).toMatch(
          /runs on login2, and this login is on .* the same home/,
        );
      }
      expect(sshd.satellites()).toHaveLength(1);
    },
    LONG_MS,
  );

  it(
    "of a host whose sshd forwards nothing",
    async () => {
      const { bed, sshd } = await useHost({ config: ["AllowStreamLocalForwarding no"] });
      const { err } = await bed.skypipe(["setup", "ssh", sshd.alias, "--yes"]).exits(3, SLOW_MS);
      expect(err).toMatch(
        /ssh does not forward to it: its sshd must allow that \(AllowStreamLocalForwarding\), or .* --url/,
      );
    },
    LONG_MS,
  );

  it(
    "of what is no host",
    async () => {
      const bed = useBed();
      const { err } = await bed
        .skypipe(["setup", "ssh", "--yes", "--", "-oProxyCommand=touch hacked"])
        .exits(2, SLOW_MS);
      expect(err).toMatch(/not a host for ssh/);
      expect((await bed.skypipe(["setup", "ssh", "--yes"]).exits(2, SLOW_MS)).err).toMatch(
        /say on which host/,
      );
      expect((await bed.skypipe(["setup", "local", "lab"]).exits(2, SLOW_MS)).err).toMatch(
        /local takes no host/,
      );
    },
    LONG_MS,
  );
});
