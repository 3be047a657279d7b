/**
 * The sample's server, told to stop while requests append and rebuild.
 *
 * @module
 */
import {
  type Position,
  type ProjectionDefinition,
  silentLogger,
  type StoredEvent,
} from "../../../mod.ts";
import * as sample from "../../../examples/course_management/projections.ts";
import { openFileEventStore } from "../../../src/log/file_event_store.ts";
import { sampleArgs, ServerProcess } from "../../support/server_process.ts";
import { checkFolder, InvariantError } from "../invariants.ts";

/** How many requests append at once. */
const CLIENTS = 4;

/** When to stop a server. */
export interface TerminationOptions {
  /** The data folder. */
  readonly path: string;
  /** Sends SIGTERM when so many appends were answered; 0 for at once. */
  readonly afterAnswers: number;
  /** Tells the students of this server from those of others. */
  readonly round: number;
}

/** What the server said that it had stored. */
interface Registration {
  readonly studentId: string;
  readonly position: Position;
}

/** How a server ended. */
export interface Termination {
  /** Its exit status. */
  readonly code: number;
  /** The signal that ended it, if one did. */
  readonly signal: string | null;
  /** Appends that were answered. */
  readonly acknowledged: number;
}

/**
 * Starts the server, lets several clients append and one rebuild, sends SIGTERM meanwhile, and
 * checks the folder when the server has ended.
 *
 * @param options When.
 * @returns How it ended. The server itself sees to it that it takes 10 seconds at most: its exit
 * status tells.
 * @throws {InvariantError} If anything is not in order.
 */
export async function terminateServer(
  options: TerminationOptions,
): Promise<Termination> {
  const { path, afterAnswers } = options;
  const registered: Registration[] = [];
  await using server = await ServerProcess.start(
    sampleArgs(path, "--allow-unauthenticated"),
  );
  let left = afterAnswers;
  const answered = () => {
    if (--left === 0) server.terminate();
  };
  if (left === 0) server.terminate();
  await sendAll(server.url, { options, registered, answered });
  const { code, signal } = await server.ended;
  await checkStopped(path, registered);
  return { code, signal, acknowledged: registered.length };
}

interface Sending {
  readonly options: TerminationOptions;
  readonly registered: Registration[];
  readonly answered: () => void;
}

/** Sends requests until the server answers none any more. */
async function sendAll(url: string, sending: Sending): Promise<void> {
  const { options: { round }, registered, answered } = sending;
  const appending = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = 0;; i++) {
      const response = await send(`${url}/students`, {
        firstName: "Ada",
        lastName: `Number ${i}`,
        email: `ada.${round}.${client}.${i}@example.edu`,
      });
      if (response?.status !== 201) return;
      registered.push(response.body as Registration);
      answered();
    }
  });
  const rebuilding = async () => {
    const rebuild = `${url}/admin/projections/rebuild?forceAll=true`;
    while (await send(rebuild));
  };
  await Promise.all([...appending, rebuilding()]);
}

/** Returns nothing where no whole answer came. */
async function send(
  url: string,
  body?: unknown,
): Promise<{ status: number; body: unknown } | undefined> {
  try {
    const response = await fetch(url, {
      method: "POST",
      ...(body === undefined ? {} : {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    });
    return { status: response.status, body: await response.json() };
  } catch {
    return undefined;
  }
}

async function checkStopped(
  path: string,
  registered: readonly Registration[],
): Promise<void> {
  let events: readonly StoredEvent[];
  {
    await using store = await openFileEventStore({
      path,
      logger: silentLogger,
    });
    events = await Array.fromAsync(store.read("all"));
  }
  for (const { studentId, position } of registered) {
    const data = events[position - 1]?.data as { studentId?: string };
    if (data?.studentId === studentId) continue;
    throw new InvariantError(
      "I1",
      `a student acknowledged at ${position} is gone`,
    );
  }
  await checkFolder({
    path,
    // Their ids are the server's: what it holds is what was appended.
    witness: {
      calls: events.map(({ id, position }) => ({ ids: [id], first: position })),
    },
    projections: Object.values(sample) as ProjectionDefinition[],
  });
}
