/** A computer with a token, and time that passes faster than it does. */
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import type { Bundle } from "../../../deploy/bundle.ts";
import type { Clock } from "../../../deploy/fly/clock.ts";
import { flyProvider } from "../../../deploy/fly/fly.ts";
import type { Credentials, Place, Provider, Talk, Wishes } from "../../../deploy/provider.ts";
import type { StandIn, StandInOptions } from "./stand-in.ts";
import { useStandIn } from "./use-stand-in.ts";

/** `factor` of its seconds are one of ours. */
function fastClock(factor: number): Clock {
  return {
    nowMs: () => performance.now() * factor,
    sleep: (ms) => pause(ms / factor),
    random: () => 0.5,
  };
}

export interface SceneOptions extends StandInOptions {
  /** Default 10. */
  readonly factor?: number;
  readonly bundle?: Bundle;
}

export interface Scene {
  readonly standIn: StandIn;
  readonly credentials: Credentials;
  readonly told: string[];
  provider(bundle?: Bundle): Provider;
  talk(wishes?: Wishes): Talk;
  deploy(wishes?: Wishes): Promise<Place>;
  /** One machine runs, with one disk and two addresses, and nothing else is there. */
  expectOne(disks?: number): void;
}

export async function useScene({ factor = 10, ...options }: SceneOptions = {}): Promise<Scene> {
  const standIn = await useStandIn({ waitScale: 1 / factor, ...options });
  const credentials = { token: standIn.token(), org: "acme" };
  const told: string[] = [];
  const clock = fastClock(factor);
  const scene: Scene = {
    standIn,
    credentials,
    told,
    provider: (bundle = options.bundle) =>
      flyProvider({ env: standIn.env, clock, ...(bundle && { bundle }) }),
    talk: (wishes = {}) => ({
      ask: null,
      tell: (step, text) => told.push(`${step}: ${text}`),
      wishes: { yes: true, ...wishes },
    }),
    deploy: (wishes) => scene.provider().deploy(credentials, scene.talk(wishes)),
    expectOne(disks = 1) {
      expect(standIn.apps).toHaveLength(1);
      expect(standIn.running).toHaveLength(1);
      expect(standIn.machines).toHaveLength(1);
      expect([...(standIn.apps[0]?.volumes.values() ?? [])]).toHaveLength(disks);
      expect(standIn.apps[0]?.ips).toHaveLength(2);
    },
  };
  return scene;
}
