/** Writing over HTTP, to readers that speak the protocol. PROTOCOL §13. */
import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { KiB, MiB, noise } from "../support/bytes.ts";
import { RawEnd } from "../support/raw-end.ts";
import { until, within } from "../support/until.ts";
import { ask, bareSocket } from "./ask.ts";
import { useSatellite } from "./use-satellite.ts";
import { Upload } from "./web.ts";

const json = { accept: "application/json" };

describe("a body", () => {
  it.each(["PUT", "POST"])(
    "[H-6] [H-8] of a %s is one stream, which ends when it is complete",
    async (method) => {
      const { url } = await useSatellite();
      const answered = await ask(url, "/p/logs", { method, body: "one\ntwo\n" });
      expect(answered).toMatchObject({ status: 204, body: "" });
      const end = await RawEnd.greet(url);
      expect(await end.row("logs")).toMatchObject({ streams: 1, bytes: 8, writers: 0 });
      const reader = await end.read("logs");
      await reader.untilDone();
      expect([reader.text, [...reader.streams.values()][0]?.ended]).toEqual(["one\ntwo\n", "eof"]);
      await end.close();
    },
  );

  it("[H-6] that is empty is an empty stream, sized or in chunks", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    for (const upload of [
      () => ask(url, "/p/t", { method: "PUT", body: "" }),
      () => ask(url, "/p/t", { method: "POST" }),
      () => new Upload(url, "/p/t").finish(),
    ]) {
      expect(await upload()).toMatchObject({ status: 204 });
      const reader = await end.read("t");
      await reader.untilDone();
      expect([reader.text, reader.taken.length]).toEqual(["", 1]);
    }
    await end.close();
  });

  it("[H-6] is open as soon as its head has come, and flows live", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("live");
    const upload = new Upload(url, "/p/live");
    await until("the writer is there", async () => (await end.row("live"))?.writers === 1);
    upload.write("first\n");
    await reader.untilText("first\n");
    upload.write("second\n");
    await reader.untilText("first\nsecond\n");
    expect(await upload.finish("third\n")).toMatchObject({ status: 204 });
    await reader.untilDone();
    expect(reader.text).toBe("first\nsecond\nthird\n");
    await end.close();
  });

  it.each([
    ["in chunks", {}],
    ["that is sized", { "content-length": 100 }],
  ])("[H-6] %s and stops before its end aborts the stream", async (_, headers) => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("cut");
    const upload = new Upload(url, "/p/cut", headers).write("a line\n");
    await reader.untilText("a line\n");
    upload.request.destroy();
    await until("the stream has ended", () => [...reader.streams.values()][0]?.ended !== undefined);
    expect([...reader.streams.values()][0]).toMatchObject({
      ended: "aborted",
      reason: expect.stringContaining("HTTP request ended before its body did"),
    });
    await end.close();
  });

  it("[H-6] that is cut off while nobody reads is no whole stream for the next reader", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const upload = new Upload(url, "/p/cut").write("a line\n");
    await until("it has come", async () => (await end.row("cut"))?.bytes === 7);
    upload.request.destroy();
    await until("its writer has gone", async () => (await end.row("cut"))?.writers === 0);
    const reader = await end.read("cut");
    await reader.untilDone();
    expect([reader.text, [...reader.streams.values()][0]?.ended]).toEqual(["a line\n", "aborted"]);
    await end.close();
  });

  it("[H-6] is whole when its client goes after the last byte, without hearing the answer", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("kept", "plain", {});
    reader.autoAck = false;
    const upload = new Upload(url, "/p/kept");
    upload.request.end("a line\n");
    await reader.untilText("a line\n");
    await until("its end", () => [...reader.streams.values()][0]?.ended !== undefined);
    upload.request.destroy();
    await until("only the reader is left", async () => (await end.inspect()).sessions === 1);
    reader.autoAck = true;
    reader.ackAll();
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.ended).toBe("eof");
    await end.close();
  });
});

describe("a 2xx", () => {
  it("[H-8] says what was written to who asks for JSON", async () => {
    const { url } = await useSatellite();
    const { status, headers, body } = await ask(url, "/p/a%2Fb", {
      method: "PUT",
      body: "abc\n",
      headers: json,
    });
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
    expect(JSON.parse(body)).toEqual({ pipe: "a/b", stream: expect.any(Number), bytes: 4 });
  });

  it("[H-8] [W-4] comes when everybody who is attached has the end, not before", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("slow", "plain");
    reader.autoAck = false;
    const upload = new Upload(url, "/p/slow");
    upload.request.end("a line\n");
    await until("its end", () => [...reader.streams.values()][0]?.ended !== undefined);
    await end.inspect();
    expect(upload.isAnswered).toBe(false);
    reader.ackAll();
    expect(await within("the answer", upload.answered)).toMatchObject({ status: 204 });
    await end.close();
  });

  it("[H-8] [W-6] with ?sync comes when a reader has taken it all", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const upload = new Upload(url, "/p/job?sync");
    upload.request.end("work\n");
    await until("it is kept", async () => (await end.row("job"))?.bytes === 5);
    const reader = await end.read("job");
    await reader.untilDone();
    expect(await within("the answer", upload.answered)).toMatchObject({ status: 204 });
    await end.close();
  });

  it("[H-8] [W-6] with ?sync does not come for what somebody removes: 410", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const upload = new Upload(url, "/p/job?sync");
    upload.request.end("work\n");
    await until("it is kept", async () => (await end.row("job"))?.writers === 0);
    await end.remove("job");
    expect(await within("the answer", upload.answered)).toMatchObject({ status: 410 });
    await end.close();
  });

  it("[H-9] with ?sync&timeout nobody has come for it: 408, and it stays", async () => {
    const { url } = await useSatellite();
    const { status, body } = await ask(url, "/p/job?sync&timeout=50ms", { method: "PUT", body: "work\n" });
    expect([status, body]).toEqual([
      408,
      expect.stringMatching(/nobody has taken.*stays.*'job'.*timeout=50ms/),
    ]);
    const end = await RawEnd.greet(url);
    expect(await end.row("job")).toMatchObject({ streams: 1, bytes: 5 });
    await end.close();
  });
});

describe("the kind of a body", () => {
  it.each([
    ["", "text\n", "text"],
    ["", "te\0xt\n", "binary"],
    ["", Buffer.from([0xff, 0xfe, 0xfd, 0x0a]), "binary"],
    ["?whole", "text\n", "binary"],
    ["?lines", "te\0xt\n", "text"],
    ["?lines=1&whole=0", "te\0xt\n", "text"],
  ])("[H-7] with the query '%s' of %j is %s", async (query, body, kind) => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("kind");
    await new Upload(url, `/p/kind${query}`).finish(body);
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.info.kind).toBe(kind);
    expect([...reader.streams.values()][0]?.bytes).toEqual(Buffer.from(body));
    await end.close();
  });

  it("[H-7] is decided by what comes within 50 ms where there is no newline", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("prompt");
    const upload = new Upload(url, "/p/prompt").write("password: ");
    await reader.untilText("password: ");
    expect(reader.pieces.at(-1)?.flags).toBe(Flag.boundary);
    await upload.finish("\0\n");
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.info.kind).toBe("text");
    await end.close();
  });

  it("[H-7] [L-6] text is cut at its lines, so that several writers do not mix in one", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("merge");
    const uploads = ["a", "b", "c"].map((name) => ({ name, upload: new Upload(url, "/p/merge") }));
    await until("all are there", async () => (await end.row("merge"))?.writers === 3);
    const lines = 200;
    for (let line = 0; line < lines; line++) {
      for (const { name, upload } of uploads) {
        upload.write(`${name} ${line} `); // half a line at a time
        upload.write(`${"x".repeat(line)}\n`);
      }
    }
    await Promise.all(uploads.map(({ upload }) => upload.finish()));
    await reader.untilDone();
    const got = reader.text.match(/.*\n/g) ?? [];
    for (const { name } of uploads) {
      const wanted = Array.from({ length: lines }, (_, line) => `${name} ${line} ${"x".repeat(line)}\n`);
      expect(got.filter((line) => line.startsWith(`${name} `))).toEqual(wanted);
    }
    expect(got).toHaveLength(lines * uploads.length);
    await end.close();
  });
});

describe("what a body is called", () => {
  const disposition = `attachment; filename="fallback.txt"; filename*=UTF-8''na%C3%AFve%20plan.txt`;

  it("[H-12] content type, file name and size travel with the stream", async () => {
    const { url } = await useSatellite();
    const headers = { "content-type": "text/markdown", "content-disposition": disposition };
    await ask(url, "/p/file", { method: "PUT", body: "# plan\n", headers });
    const end = await RawEnd.greet(url);
    const reader = await end.read("file");
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.info).toMatchObject({
      contentType: "text/markdown",
      name: "naïve plan.txt",
      size: 7,
    });
    await end.close();
  });

  it.each([
    ["application/x-www-form-urlencoded", "inline"],
    ["x".repeat(256), `attachment; filename="${"x".repeat(256)}"`],
    ["text/ä", 'attachment; filename=""'],
    ["", 'attachment; filename="/"'],
    [" ", "not a disposition"],
  ])("[H-12] what says nothing, or does not fit, is left out: %.40s, %.40s", async (type, named) => {
    const { url } = await useSatellite();
    const headers = { "content-type": type, "content-disposition": named };
    expect(await ask(url, "/p/file", { method: "PUT", body: "x", headers })).toMatchObject({ status: 204 });
    const end = await RawEnd.greet(url);
    const reader = await end.read("file");
    await reader.untilDone();
    const info = [...reader.streams.values()][0]?.info;
    expect([info?.contentType, info?.name, info?.size]).toEqual([undefined, undefined, 1]);
    await end.close();
  });

  it.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\\\temp\\\\x.doc", "x.doc"],
    ["x\"; filename*=UTF-8''a%C2%85%00b; y=\"", "ab"],
  ])("[H-12] of a file name the last component stays: %j", async (given, name) => {
    const { url } = await useSatellite();
    const headers = { "content-disposition": `attachment; filename="${given}"` };
    await new Upload(url, "/p/file", headers).finish("x");
    const end = await RawEnd.greet(url);
    const reader = await end.read("file");
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.info.name).toBe(name);
    await end.close();
  });
});

describe("a file name that is not ASCII", () => {
  it.each(["utf8", "latin1"] as const)(
    "[H-12] is read as %s, as shells and old clients send it",
    async (encoding) => {
      const { url } = await useSatellite();
      const { socket, closed } = bareSocket(url);
      const head = [
        "host: localhost",
        "connection: close",
        'content-disposition: attachment; filename="naïve"',
      ];
      socket.write(Buffer.from(["PUT /p/file HTTP/1.1", ...head, "", ""].join("\r\n"), encoding));
      expect((await within("the answer", closed)).toString()).toMatch(/^HTTP\/1.1 204 /);
      const end = await RawEnd.greet(url);
      const reader = await end.read("file");
      await reader.untilDone();
      expect([...reader.streams.values()][0]?.info.name).toBe("naïve");
      await end.close();
    },
  );
});

describe("flow", () => {
  it("[H-8] no more of a body is taken than its stream has credit for", async () => {
    const { url } = await useSatellite({ limits: { windowBytesMax: 64 * KiB } });
    const end = await RawEnd.greet(url);
    const reader = await end.read("slow");
    reader.autoAck = false;
    const upload = new Upload(url, "/p/slow");
    const bytes = noise(8 * MiB, 1);
    upload.request.end(bytes);
    await reader.untilBytes(1);
    const row = await until("it stands still", async () => {
      const before = await end.row("slow");
      for (let turn = 0; turn < 20; turn++) await end.inspect();
      const after = await end.row("slow");
      return before?.bytes === after?.bytes ? after : null;
    });
    expect(row.bytes).toBeLessThanOrEqual(64 * KiB);
    expect(upload.request.writableLength).toBeGreaterThan(MiB);
    reader.autoAck = true;
    reader.ackAll();
    await within("the answer", upload.answered);
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.bytes.equals(bytes)).toBe(true);
    await end.close();
  });

  it("[H-9] without room the answer is 507, and nobody takes what had come for a whole stream", async () => {
    const { url } = await useSatellite({ limits: { maxBufferBytes: 256 * KiB } });
    const upload = new Upload(url, "/p/full");
    upload.request.end(noise(4 * MiB, 1));
    const { status, body } = await within("the answer", upload.answered);
    expect([status, body]).toEqual([
      507,
      expect.stringMatching(/^the satellite is full.*'full'.*\?wait.*\n$/),
    ]);
    const end = await RawEnd.greet(url);
    const reader = await end.read("full");
    await reader.untilDone();
    expect([...reader.streams.values()][0]?.ended).toBe("aborted");
    await end.close();
  });

  it("[H-9] a small body without room is not kept behind the 507", async () => {
    const { url } = await useSatellite({ limits: { maxBufferBytes: 64 * KiB } });
    await ask(url, "/p/big", { method: "PUT", body: "x".repeat(48 * KiB) });
    await ask(url, "/p/small", { method: "PUT", body: "x".repeat(16 * KiB) });
    expect(await ask(url, "/p/small", { method: "PUT", body: "y\n" })).toMatchObject({ status: 507 });
    await ask(url, "/p/big", { method: "DELETE" });
    const end = await RawEnd.greet(url);
    const texts: (string | undefined)[] = [];
    for (let turn = 0; (await end.row("small"))?.streams; turn++) {
      const reader = await end.read("small");
      await reader.untilDone();
      texts.push([...reader.streams.values()][0]?.ended);
    }
    expect(texts.filter((ended) => ended === "eof")).toHaveLength(1);
    await end.close();
  });

  it.each([193, 224, 256, 257, 320, 384, 1_000])(
    "[H-9] [L-15] of a body of %d KiB, for which there are 192, nothing is taken for whole",
    async (sizeKiB) => {
      const { url } = await useSatellite({ limits: { maxBufferBytes: 256 * KiB } });
      const body = `${"x".repeat(1_023)}\n`.repeat(sizeKiB);
      expect(await ask(url, "/p/full", { method: "PUT", body })).toMatchObject({ status: 507 });
      const end = await RawEnd.greet(url);
      const reader = await end.read("full");
      await reader.untilDone();
      expect([...reader.streams.values()].map(({ ended }) => ended)).toEqual(["aborted"]);
      expect(await end.row("full")).toBeUndefined();
      await end.close();
    },
  );

  it("[H-9] with ?wait it waits for room, and goes on", async () => {
    const { url } = await useSatellite({ limits: { maxBufferBytes: 256 * KiB } });
    const upload = new Upload(url, "/p/full?wait");
    const bytes = noise(4 * MiB, 1);
    upload.request.end(bytes);
    const end = await RawEnd.greet(url);
    await until("it is full", async () => ((await end.row("full"))?.bytes ?? 0) > 100 * KiB);
    const reader = await end.read("full");
    await reader.untilDone();
    expect(await within("the answer", upload.answered)).toMatchObject({ status: 204 });
    expect([...reader.streams.values()][0]?.bytes.equals(bytes)).toBe(true);
    await end.close();
  });

  it("[H-9] with ?timeout it waits for so long: 408", async () => {
    const { url } = await useSatellite({ limits: { maxBufferBytes: 256 * KiB } });
    const upload = new Upload(url, "/p/full?timeout=50ms");
    upload.request.end(noise(4 * MiB, 1));
    const { status, body } = await within("the answer", upload.answered);
    expect([status, body]).toEqual([408, expect.stringMatching(/full.*'full'.*aborted.*timeout=50ms/)]);
  });
});

describe("an Idempotency-Key", () => {
  const keyed = { ...json, "idempotency-key": "4f0c3a7e-1" };

  it("[H-10] that succeeded answers the same again, without a second stream", async () => {
    const { url } = await useSatellite();
    const first = await ask(url, "/p/once", { method: "PUT", body: "once\n", headers: keyed });
    const again = await ask(url, "/p/once", { method: "PUT", body: "once\n", headers: keyed });
    expect([first.status, again.status, again.body]).toEqual([200, 200, first.body]);
    const elsewhere = await ask(url, "/p/other", { method: "PUT", body: "x", headers: keyed });
    expect(elsewhere.body).not.toBe(first.body);
    const end = await RawEnd.greet(url);
    expect((await end.list()).map(({ name, streams }) => `${name}: ${streams}`).toSorted()).toEqual([
      "once: 1",
      "other: 1",
    ]);
    await end.close();
  });

  it("[H-10] of a write under way waits for its outcome, and drops its own body", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const first = new Upload(url, "/p/once", keyed).write("on");
    await until("it is there", async () => (await end.row("once"))?.writers === 1);
    const second = new Upload(url, "/p/once", keyed);
    second.request.end(noise(8 * MiB, 1));
    await until("a second session would show", async () => (await end.inspect()).sessions === 2);
    const { body } = await first.finish("ce\n");
    expect(await within("the answer", second.answered)).toMatchObject({ status: 200, body });
    expect(await end.row("once")).toMatchObject({ streams: 1, bytes: 5 });
    await end.close();
  });

  it("[H-10] of a write that failed is free again: one that waits goes on as the first", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const first = new Upload(url, "/p/once", keyed).write("on\n");
    await until("it is there", async () => (await end.row("once"))?.bytes === 3);
    const second = new Upload(url, "/p/once", keyed);
    second.request.end("twice\n");
    first.request.destroy();
    expect(await within("the answer", second.answered)).toMatchObject({ status: 200 });
    const texts = ["", ""];
    for (const index of texts.keys()) {
      const reader = await end.read("once");
      await reader.untilDone();
      texts[index] = `${reader.text} ${[...reader.streams.values()][0]?.ended}`;
    }
    expect(texts.toSorted()).toEqual(["on\n aborted", "twice\n eof"]);
    await end.close();
  });

  it("[H-10] goes on to its outcome when its client has gone after the body", async () => {
    const { url } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("once");
    reader.autoAck = false;
    const first = new Upload(url, "/p/once", keyed);
    first.request.end("once\n");
    await until("its end", () => [...reader.streams.values()][0]?.ended !== undefined);
    first.request.destroy();
    const second = new Upload(url, "/p/once", keyed);
    second.request.end("once\n");
    reader.ackAll();
    expect(await within("the answer", second.answered)).toMatchObject({ status: 200 });
    await reader.untilDone();
    expect(await end.row("once")).toBeUndefined();
    await end.close();
  });

  it.each(["", "with space", "x".repeat(256), "ä"])("[H-10] %j is none: 400", async (key) => {
    const { url } = await useSatellite();
    const headers = { "idempotency-key": key };
    const { status, body } = await ask(url, "/p/x", { method: "PUT", body: "x", headers });
    expect([status, body]).toEqual([400, expect.stringContaining("Idempotency-Key")]);
  });

  it("[H-10] is refused when as many as are remembered are under way: 429", async () => {
    const { url } = await useSatellite({ limits: { idempotencyKeysMax: 1 } });
    const end = await RawEnd.greet(url);
    const first = new Upload(url, "/p/x", { "idempotency-key": "1" });
    await until("it is there", async () => (await end.row("x"))?.writers === 1);
    const headers = { "idempotency-key": "2" };
    expect(await ask(url, "/p/x", { method: "PUT", body: "x", headers })).toMatchObject({ status: 429 });
    expect(await first.finish()).toMatchObject({ status: 204 });
    expect(await ask(url, "/p/x", { method: "PUT", body: "x", headers })).toMatchObject({ status: 204 });
    await end.close();
  });
});

describe("before the body", () => {
  it("[H-11] 100 comes when the stream is open, and not before an error", async () => {
    const { url } = await useSatellite({ token: "t" });
    const expects = { expect: "100-continue", "transfer-encoding": "chunked" };
    const refused = new Upload(url, "/p/x", expects);
    expect(await within("the answer", refused.answered)).toMatchObject({ status: 401 });
    expect(refused.isContinued).toBe(false);
    const upload = new Upload(url, "/p/x", { ...expects, authorization: "Bearer t" });
    await within("100", upload.continued);
    expect(await upload.finish("x\n")).toMatchObject({ status: 204 });
  });

  it.each([
    [413, "at most 2^53-1 bytes", { "content-length": "9007199254740993" }],
    [400, "curl -T FILE", { "content-type": "multipart/form-data; boundary=x" }],
    [400, "Content-Encoding", { "content-encoding": "gzip" }],
    [400, "Content-Range", { "content-range": "bytes 1-2/3" }],
  ])("[H-11] is answered by %d where it can't arrive as meant: %s", async (status, sentence, headers) => {
    const { url } = await useSatellite();
    const answered = await within("the answer", new Upload(url, "/p/x", headers).answered);
    expect(answered).toMatchObject({ status, body: expect.stringContaining(sentence) });
    const end = await RawEnd.greet(url);
    expect(await end.list()).toEqual([]);
    await end.close();
  });

  it("[H-4] a client that sends on after a refusal gets to read it, and is cut when it goes on for long", async () => {
    const { url } = await useSatellite({ token: "t", limits: { refusedMs: 200 } });
    const { socket, closed } = bareSocket(url);
    socket.write("PUT /p/x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    const timer = setInterval(() => socket.write("4000\r\n".concat("x".repeat(0x4000), "\r\n")), 5);
    const answer = (await within("the end", closed)).toString();
    clearInterval(timer);
    expect(answer).toMatch(/^HTTP\/1.1 401 .*connection: close.*wants a token/is);
  });

  it("[K-1] more writers on a pipe than it may have: 429", async () => {
    const { url } = await useSatellite({ limits: { runningStreamsPerPipeMax: 1 } });
    const end = await RawEnd.greet(url);
    const first = new Upload(url, "/p/x");
    await until("it is there", async () => (await end.row("x"))?.writers === 1);
    expect(await ask(url, "/p/x", { method: "PUT", body: "x" })).toMatchObject({
      status: 429,
      body: expect.stringMatching(/^there are 1 writers on this pipe already\n$/),
    });
    await first.finish();
    await end.close();
  });

  it("[H-20] a satellite that stops answers 503 and aborts what was not complete", async () => {
    const { url, stop } = await useSatellite();
    const end = await RawEnd.greet(url);
    const reader = await end.read("x");
    const upload = new Upload(url, "/p/x").write("a line\n");
    await reader.untilText("a line\n");
    const stopped = stop();
    expect(await within("the answer", upload.answered)).toMatchObject({ status: 503 });
    await stopped;
  });

  it("[H-8] costs no session when it is over", async () => {
    const { url } = await useSatellite({ limits: { sessionsMax: 2 } });
    const end = await RawEnd.greet(url);
    for (let turn = 0; turn < 5; turn++) {
      expect(await ask(url, "/p/x", { method: "PUT", body: "x" })).toMatchObject({ status: 204 });
    }
    expect((await end.inspect()).sessions).toBe(1);
    expect(limits.sessionsMax).toBeGreaterThan(2);
    await end.close();
  });
});
