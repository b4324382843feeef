import { useEffect, useRef } from "preact/hooks";
import type { Session } from "./session.ts";

/** Makes a session of its own for something that needs one. */
export type Connect = () => Session;

export function useUnmount(act: () => void): void {
  const last = useRef(act);
  last.current = act;
  useEffect(() => () => last.current(), []);
}
