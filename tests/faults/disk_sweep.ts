/**
 * Lets each operation of a piece of work fail in turn, and checks what is left and that the way
 * back works: nothing that was acknowledged is lost, every error is a typed one, the store goes on
 * as soon as the disk does (or, after a failed sync, once it is opened again).
 *
 * @module
 */
import type { Fault } from "../../src/testing/mod.ts";
import {
  DiskFaultError,
  DiskSession,
  type OpenSession,
  PROJECTIONS,
} from "./disk_session.ts";
import { checkConditions } from "./conditions.ts";
import { checkFolder, checkLog, checkNothingLeft } from "./invariants.ts";

/** A piece of work whose operations fail in turn. */
export interface Scenario {
  readonly name: string;
  /** What is there before; the disk is well. @default {nothing} */
  readonly before?: (session: DiskSession) => Promise<void>;
  /** Whether another store appends there, too, whose failures are its own. @default {false} */
  readonly several?: boolean;
  /** The work. Returns what it leaves open, if anything. */
  readonly work: (session: DiskSession) => Promise<OpenSession | undefined>;
}

async function openWith(
  session: DiskSession,
  use: (open: OpenSession) => Promise<void>,
): Promise<void> {
  await using open = await session.open();
  await use(open);
}

async function appendSome(
  session: DiskSession,
  { store }: OpenSession,
  count: number,
  bytes = 0,
): Promise<void> {
  for (let i = 0; i < count; i++) await session.append(store, { bytes });
}

/** All that is done to a store, piece by piece. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "creating a store",
    work: (session) => session.tryOpen(),
  },
  {
    name: "appending, alone, together and on a condition",
    before: (session) =>
      openWith(session, (open) => appendSome(session, open, 2)),
    async work(session) {
      const open = await session.tryOpen();
      if (!open) return undefined;
      await session.append(open.store);
      await Promise.all([1, 2, 3].map(() => session.append(open.store)));
      const after = await open.store.head().catch(() => 0);
      const items = [{ tags: ["key:a"] }];
      const condition = { failIfEventsMatch: { items }, after };
      await session.append(open.store, { condition });
      return open;
    },
  },
  {
    name: "beginning new segments",
    async work(session) {
      const open = await session.tryOpen();
      if (open) await appendSome(session, open, 3, 70_000);
      return open;
    },
  },
  {
    name: "opening after a torn write",
    async before(session) {
      await openWith(session, (open) => appendSome(session, open, 2));
      const [segment] = [...Deno.readDirSync(`${session.path}/events`)];
      const file = `${session.path}/events/${segment?.name}`;
      Deno.writeTextFileSync(file, '{"frame":3,"count":1,"byt', {
        append: true,
      });
    },
    async work(session) {
      const open = await session.tryOpen();
      if (open) await session.append(open.store);
      return open;
    },
  },
  {
    name: "noticing what others append",
    several: true,
    async work(session) {
      const open = await session.tryOpen();
      await using other = await session.tryOpen();
      if (other) await appendSome(session, other, 2);
      if (open) await session.append(open.store);
      return open;
    },
  },
  {
    name: "building projections for the first time",
    before: (session) =>
      openWith(session, (open) => appendSome(session, open, 9)),
    async work(session) {
      const open = await session.tryOpen();
      if (open) await session.rebuild(open);
      return open;
    },
  },
  {
    name: "swapping and sweeping",
    before: (session) =>
      openWith(session, async (open) => {
        await appendSome(session, open, 9);
        for (let i = 0; i < 3; i++) await session.rebuild(open);
      }),
    async work(session) {
      const open = await session.tryOpen();
      if (open) await session.rebuild(open);
      return open;
    },
  },
];

/** What is there before the work; dispose it afterwards. */
export async function prepare(scenario: Scenario): Promise<DiskSession> {
  const template = new DiskSession();
  await scenario.before?.(template);
  return template;
}

/** How many operations the work takes when nothing fails. */
export async function countOperations(
  scenario: Scenario,
  template: DiskSession,
): Promise<number> {
  using session = new DiskSession(template);
  const open = await scenario.work(session);
  const { length } = session.fileSystem.operations;
  await open?.[Symbol.asyncDispose]();
  return length;
}

/**
 * Does the work with a fault, heals the disk, and checks everything.
 *
 * @param scenario The work.
 * @param template What is there before.
 * @param fault What fails.
 * @returns How often each error was met.
 * @throws Whatever does not hold.
 */
export async function strike(
  scenario: Scenario,
  template: DiskSession,
  fault: Fault,
): Promise<ReadonlyMap<string, number>> {
  using session = new DiskSession(template);
  session.fileSystem.inject(fault);
  const open = await scenario.work(session);
  session.fileSystem.heal();
  if (open) {
    await using _closing = open;
    await goOn(scenario, session, open);
  }
  const { path, calls } = session;
  const witness = { calls };
  await checkFolder({ path, witness, projections: PROJECTIONS });
  session.age();
  await openWith(session, async (again) => {
    if (!await session.append(again.store)) {
      throw new DiskFaultError("No append after the store was opened again");
    }
    if (!await session.rebuild(again)) {
      throw new DiskFaultError("No rebuild after the store was opened again");
    }
  });
  await checkFolder({ path, witness, projections: PROJECTIONS });
  checkNothingLeft(path);
  return session.met;
}

/** In the same process, once the disk is well: no restart, unless what a file holds is unknown. */
async function goOn(
  { several = false }: Scenario,
  session: DiskSession,
  open: OpenSession,
): Promise<void> {
  const { store } = open;
  // One that could not make durable what others appended does not serve it.
  if (!several || store.readOnlyCause === undefined) {
    const events = await checkLog(store, { calls: session.calls });
    // What failed left nothing behind that conditions are judged by.
    if (store.readOnlyCause === undefined) await checkConditions(store, events);
  }
  const failed = new Set(
    session.fileSystem.operations
      .filter(({ path, code }) => code && path.includes("/events"))
      .map(({ kind }) => kind),
  );
  const hasFailedSync = failed.has("sync") || failed.has("syncDirectory");
  if (hasFailedSync && !several && store.readOnlyCause === undefined) {
    throw new DiskFaultError("Appends go on although a sync failed");
  }
  const mayStop = hasFailedSync || failed.has("truncate") || failed.has("stat");
  if (!await session.append(store) && !mayStop) {
    throw new DiskFaultError(
      `No append although the disk is well again: ${store.readOnlyCause}`,
    );
  }
  if (!await session.rebuild(open)) {
    throw new DiskFaultError("No rebuild although the disk is well again");
  }
}

/** The codes that operations fail with. */
export const CODES = ["EIO", "ENOSPC", "EMFILE", "EACCES"] as const;
