/** Satellites in this process, stopped when the test is over. */
import { onTestFinished } from "vitest";
import type { BrokerLike } from "../../satellite/engine.ts";
import type { BrokerEffect, BrokerEvent } from "../../satellite/pipe/effects.ts";
import {
  type ComposeOptions,
  composeSatellite,
  type LogEntry,
  type RunningSatellite,
  type SatelliteOptions,
  startSatellite,
} from "../../satellite/satellite.ts";
import { MemoryStore } from "../../satellite/store/memory.ts";
import { limits } from "../../satellite/wire/limits.ts";

export type Watched = RunningSatellite & { readonly log: LogEntry[] };

export async function useSatellite(options: SatelliteOptions = {}): Promise<Watched> {
  const log: LogEntry[] = [];
  const running = await startSatellite({ log: (entry) => log.push(entry), ...options });
  onTestFinished(() => running.stop());
  return { ...running, log };
}

/** A broker that does what a test says, and remembers what it was told. */
export class ScriptedBroker implements BrokerLike {
  readonly events: BrokerEvent[] = [];
  idle = true;
  answer: (event: BrokerEvent) => readonly BrokerEffect[] = () => [];

  hasShare(): boolean {
    return true;
  }

  handle(event: BrokerEvent): readonly BrokerEffect[] {
    this.events.push(event);
    return this.answer(event);
  }

  of<T extends BrokerEvent["type"]>(type: T): Extract<BrokerEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<BrokerEvent, { type: T }> => event.type === type);
  }
}

export async function useScripted(
  broker: BrokerLike,
  options: Partial<ComposeOptions> = {},
): Promise<Watched> {
  const log: LogEntry[] = [];
  const running = await composeSatellite(broker, {
    store: new MemoryStore(),
    limits,
    software: "skypipe/test",
    log: (entry) => log.push(entry),
    ...options,
  });
  onTestFinished(() => running.stop());
  return { ...running, log };
}
