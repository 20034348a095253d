/** A process for the guardian to run. */
export type ProcessSpec = {
  name: string;
  command: string;
  args: readonly string[];
  cwd?: string;
  /** The whole environment; nothing is inherited. */
  env: Record<string, string>;
  /** Run as this user; only root may ask for it. */
  user?: { uid: number; gid: number };
  /** Output is appended to this file, or goes where the owner's output goes. */
  output: { file: string } | 'owner';
  /** The signal that asks for an orderly end; SIGKILL follows after `stopTimeoutMs`. */
  stopSignal: NodeJS.Signals;
  stopTimeoutMs: number;
  /** The same once the owner is dead, where the few seconds that others get would not do. */
  orphanTimeoutMs?: number;
  /** On a stop of everything, higher stages end before lower ones. */
  stage: number;
};

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

/**
 * One JSON line each, from the owner to the guardian. The end of the stream stops all too, with
 * less patience: the owner is dead, and whoever killed it waits for the rest to go.
 */
export type GuardianCommand =
  | { do: 'spawn'; id: number; spec: ProcessSpec }
  | { do: 'signal'; id: number; signal: NodeJS.Signals }
  | { do: 'stop'; id: number }
  | { do: 'stop-all' }
  | { do: 'remove-at-end'; path: string };

/** One JSON line each, from the guardian to the owner. */
export type GuardianEvent =
  | { event: 'spawned'; id: number; pid: number }
  | { event: 'not-spawned'; id: number; code: string; message: string }
  | { event: 'exited'; id: number; exit: ProcessExit };
