import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { openFilesStore } from "../../satellite/store/files/files.ts";
import { describeStore } from "./store.ts";

const root = mkdtempSync(path.join(tmpdir(), "skypipe-store-"));
let stores = 0;

afterAll(() => rmSync(root, { recursive: true }));

describeStore("files", () => openFilesStore(path.join(root, String(++stores))));
