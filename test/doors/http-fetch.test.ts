/** `fetch` as an end: bodies that stream both ways, and clients that give up in the middle. */
import { expect, it } from "vitest";
import { MiB, noise } from "../support/bytes.ts";
import { RawEnd } from "../support/raw-end.ts";
import { until } from "../support/until.ts";
import { useSatellite } from "./use-satellite.ts";

/** What `fetch` needs for a body that streams; the DOM's types do not know it. */
const streaming = { method: "PUT", duplex: "half" } as RequestInit;

it("[H-6] [H-13] writes a string, a blob and a stream, and reads them", async () => {
  const { url } = await useSatellite();
  const bytes = new Uint8Array(noise(5 * MiB, 1));
  const bodies: [RequestInit["body"], Uint8Array][] = [
    ["a string\n", Buffer.from("a string\n")],
    [new Blob([bytes]), bytes],
    [new Blob([bytes]).stream(), bytes],
  ];
  for (const [body, wanted] of bodies) {
    expect((await fetch(`${url}/p/x`, { ...streaming, ...(body && { body }) })).status).toBe(204);
    const response = await fetch(`${url}/p/x`);
    expect(Buffer.from(await response.arrayBuffer()).equals(wanted)).toBe(true);
  }
});

it("[H-13] reads line by line while a writer writes", async () => {
  const { url } = await useSatellite();
  const end = await RawEnd.greet(url);
  const response = await fetch(`${url}/p/x?follow`);
  const texts = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (const text of ["one\n", "two\n", "three\n"]) {
    (await end.open("x")).finish(text);
    expect((await texts?.read())?.value).toBe(text);
  }
  await texts?.cancel();
  await until("the reader has gone", async () => (await end.row("x")) === undefined);
  await end.close();
});

it("[H-15] a download that is aborted leaves the file whole; one whose writer is lost rejects", async () => {
  const { url } = await useSatellite();
  const bytes = noise(24 * MiB, 1);
  await fetch(`${url}/p/x`, { method: "PUT", body: new Uint8Array(bytes) });
  const gives = new AbortController();
  const first = await fetch(`${url}/p/x`, { signal: gives.signal });
  await first.body?.getReader().read();
  gives.abort();
  const end = await RawEnd.greet(url);
  await until("it is free", async () => (await end.row("x"))?.readers === 0);
  const second = await fetch(`${url}/p/x`);
  expect(Buffer.from(await second.arrayBuffer()).equals(bytes)).toBe(true);

  const third = fetch(`${url}/p/x`);
  const writer = await end.open("x");
  writer.write("a line\n");
  const response = await third;
  end.send({ type: "abort", ref: writer.ref });
  await expect(response.text()).rejects.toThrow(/terminated/);
  await end.close();
});

it("[H-6] an upload that is aborted in the middle aborts its stream", async () => {
  const { url } = await useSatellite();
  const end = await RawEnd.greet(url);
  const reader = await end.read("x");
  const gives = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from("a line\n")),
  });
  const written = fetch(`${url}/p/x`, { ...streaming, body, signal: gives.signal });
  written.catch(() => {}); // looked at below
  await reader.untilText("a line\n");
  gives.abort();
  await expect(written).rejects.toThrow(/abort/i);
  await reader.untilDone();
  expect([...reader.streams.values()][0]?.ended).toBe("aborted");
  await end.close();
});

it("[H-8] many writes over connections that are kept cost nothing that stays", async () => {
  const { url } = await useSatellite();
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on("warning", onWarning);
  for (let turn = 0; turn < 50; turn++) {
    expect((await fetch(`${url}/p/x`, { method: "PUT", body: `${turn}\n` })).status).toBe(204);
    expect(await (await fetch(`${url}/p/x`)).text()).toBe(`${turn}\n`);
  }
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
  const end = await RawEnd.greet(url);
  await until("nothing is left", async () => (await end.inspect()).sessions === 1);
  await end.close();
});
