/**
 * The sample as a server: store, projections, commands, queries, admin API and docs page, put
 * together.
 *
 * @module
 */
import {
  createJsonLogger,
  type Logger,
  openOpossum,
  type Opossum,
} from "@opossum/deno";
import {
  type AdminAuth,
  assertSafeToServe,
  createApp,
  type RequestLimits,
  type RunningServer,
  serveApp,
} from "@opossum/deno/api";
import { createCourseApp } from "./app.ts";
import { seedStore } from "./seeder.ts";

/** Events in the data set that an empty folder gets. */
export const FIRST_EVENTS = 1_000;

/** Names of this machine to itself, which a list of host names must repeat. */
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Requests under way may take this long to end, in milliseconds: leaves time to close the rest. */
const DRAIN_TIMEOUT_MS = 5_000;

/** A balancer has given up a server that hangs by then. */
const LIVE_STALL_TIMEOUT_MS = 30_000;

/** How to serve. */
export interface CourseServerOptions {
  /** The data folder; created when missing. */
  readonly data: string;
  /** The address to listen on. */
  readonly host: string;
  /** The port to listen on; 0 for any that is free. */
  readonly port: number;
  /**
   * Who may use the admin API. Open to everybody, the server refuses to listen on any address that
   * others than this machine could reach.
   */
  readonly auth: AdminAuth;
  /** How much a client may ask. @default {see `RequestLimits`} */
  readonly limits?: RequestLimits;
  /**
   * Host names to answer to, besides loopback names and IP addresses. @default {none}
   */
  readonly allowedHosts?: readonly string[];
  /** Events that rebuilds may read a second, from 100. @default {as many as they can} */
  readonly rebuildEventsPerSecondMax?: number;
  /** Returns the metrics in Prometheus' text format. @default {none} */
  readonly metrics?: () => Promise<string>;
  /** Called when an empty folder was filled, with the number of events. */
  readonly onSeeded?: (events: number) => void;
  /** Where log records go. @default {JSON lines on standard error} */
  readonly logger?: Logger;
}

/** The sample, serving. Dispose it to stop within about ten seconds. */
export interface CourseServer extends AsyncDisposable {
  /** Where it answers, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** The store that it serves. */
  readonly opossum: Opossum;
}

/**
 * Starts the sample.
 *
 * @param options Which folder, where to listen, and who may administer.
 * @returns The server. The projections of a new folder may still be under construction: `/readyz`
 * says when they are ready.
 * @throws {UnsafeBindError} If no token is needed and others could reach the address.
 * @throws {BindError} If the address cannot be listened on.
 */
export async function startCourseServer(
  options: CourseServerOptions,
): Promise<CourseServer> {
  const { auth, limits, allowedHosts = [], metrics, onSeeded } = options;
  const { logger = createJsonLogger() } = options;
  // The endpoints under /admin rebuild projections:
  // - in development after the data was reset or a projection changed,
  // - in production after a release that brings or repairs a projection, and after a disaster
  //   that took the read models.
  // They cost the machine a lot, so they take a token, and listen to others only with one. Put a
  // proxy that terminates TLS and bounds connections before a server that others can reach:
  // SECURITY.md says why.
  // Before the folder is touched.
  assertSafeToServe(auth, options.host);
  await using resources = new AsyncDisposableStack();
  const opossum = resources.use(await openCampus(options, logger));
  if (await opossum.events.head() === 0) {
    // Not among the arguments: without a callback they are not evaluated.
    const events = await seedStore(opossum.events, { events: FIRST_EVENTS });
    onSeeded?.(events);
  }
  await opossum.daemon.start();

  const app = createApp({
    opossum,
    auth,
    routers: [createCourseApp({ opossum })],
    info: {
      title: "Course management on Opossum",
      version: "1",
      description: "The sample: students enrol in courses. Commands record " +
        "events, queries read projections, and the admin API rebuilds them.",
    },
    ...(metrics ? { metrics } : {}),
    ...(limits ? { limits } : {}),
    ...(allowedHosts.length > 0
      ? { allowedHosts: [...LOOPBACK, options.host, ...allowedHosts] }
      : {}),
  });
  const server: RunningServer = resources.use(serveApp({
    app,
    auth,
    host: options.host,
    port: options.port,
    logger,
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
  }));

  // From here on the caller disposes: the server first, then the store under it.
  const owned = resources.move();
  return {
    url: server.url,
    opossum,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function openCampus(
  { data, rebuildEventsPerSecondMax }: CourseServerOptions,
  logger: Logger,
): Promise<Opossum> {
  // Projections are read models derived from the events in the store. The daemon keeps them up to
  // date as events are appended; a rebuild derives them anew while the old ones keep serving.
  return openOpossum({
    path: data,
    logger,
    // The URL of a module, not the definitions themselves: rebuilds can load it in workers.
    projections: import.meta.resolve("./projections.ts"),
    // What the daemon rebuilds when it starts.
    // - true, for development: whatever is missing, stale or damaged. A fresh folder just works.
    // - false, for production: nothing. A new projection stays absent, and reads of it say so,
    //   until POST /admin/projections/rebuild.
    enableAutoRebuild: true,
    // How many projections are rebuilt at the same time. The sample has four: all of them, in one
    // pass over the log. More cost memory and disk: 2-4 on a hard disk, 4-8 on an SSD, 8-16 on
    // NVMe.
    maxConcurrentRebuilds: 4,
    // How many events they may read a second. Without it they take what the machine gives, and
    // slow down by themselves when requests suffer.
    ...(rebuildEventsPerSecondMax === undefined
      ? {}
      : { rebuildEventsPerSecondMax }),
    // How long a projection's code may run on one event, in milliseconds, before the process is
    // ended: code that loops cannot be stopped in any other way. The next start knows the event.
    // The sample's code takes microseconds. Leave it out while you debug projections.
    liveStallTimeout: LIVE_STALL_TIMEOUT_MS,
    // How often to look for events of other processes, in milliseconds. Events of this process
    // are applied at once. Lower: fresher after an import from the command line, more wake-ups.
    pollingInterval: 5_000,
    // Events applied in one transaction. Higher: catches up faster, takes more memory.
    batchSize: 1_000,
    // Rebuilds what has become stale at three o'clock at night (UTC), where the runtime has cron.
    rebuildSchedule: "0 3 * * *",
    // The folder may be empty: it is seeded first, so that the projections are built only once.
    startDaemon: false,
  });
}
