import { expect, it } from "vitest";
import { FilesStore } from "../../satellite/store/files/files.ts";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { SimDisk } from "../support/sim-disk.ts";

it("[W-4] keeps what begins behind a gap, appended while what lies before it waits to be written", async () => {
  const disk = new SimDisk({ random: () => 0.5 });
  const store = new FilesStore(disk.open());
  await store.recover();
  const released = encodeChunk(1, 0, 0, Buffer.alloc(40));
  const kept = encodeChunk(1, 100, 0, Buffer.alloc(10));
  disk.fault = (operation, name) => {
    if (operation !== "make" || !name.startsWith("segment")) return null;
    disk.fault = () => null;
    store.release(1, 40);
    store.append(kept);
    return null;
  };
  const durable = new Promise<void>((resolve) => {
    store.onDurable = (_, offset) => {
      if (offset === kept.end) resolve();
    };
  });
  store.create({ id: 1, pipe: "", openedMs: 0 });
  store.append(released);
  await durable;
  disk.crash(false);
  const again = new FilesStore(disk.open());
  expect(await again.recover()).toMatchObject({ damage: [], streams: [{ id: 1, from: 100, to: 110 }] });
  expect(await again.read(1, 100, 100)).toHaveLength(1);
  await again.close();
});
