/**
 * A server whose dashboard has something to show: projections in several states, and rebuilds
 * that last until somebody ends them.
 *
 * @module
 */
import {
  defineProjection,
  type EventInput,
  openOpossum,
  type Opossum,
  silentLogger,
} from "@opossum/deno";
import { createApp, serveApp } from "@opossum/deno/api";
import { TempDir } from "../support/temp_dir.ts";

/** Its tokens by what they may do. */
export const TOKENS = {
  operate: "operate-0123456789abcdefghijklmnopqrstuv",
  read: "read-0123456789abcdefghijklmnopqrstuvwxyz",
} as const;

const AUTH = {
  tokens: [
    { id: "ada", token: TOKENS.operate, scopes: ["operate"] },
    { id: "grafana", token: TOKENS.read, scopes: ["read"] },
  ],
} as const;

/** What a hostile event makes the code of a projection say. */
export const HOSTILE =
  `</td></tr></table><img src=x onerror="document.title='owned'">` +
  `<script>document.title='owned'</script>&lt;"'`;

type Enrolled = {
  type: "Enrolled";
  data: { course: string; student: string };
};
type Poisoned = { type: "Poisoned"; data: { course: string } };

/** Two that go well, one that fails on poison, and one that passes it over. */
function projectionsOf(version: number) {
  const enrolments = { count: 0 };
  return [
    defineProjection<typeof enrolments, Enrolled>({
      name: "CourseDetails",
      version,
      eventTypes: ["Enrolled"],
      key: ({ data }) => data.course,
      // Another version says other things.
      apply: (state) => ({ count: (state?.count ?? 0) + version }),
    }),
    defineProjection<typeof enrolments, Enrolled>({
      name: "StudentDetails",
      version: 1,
      eventTypes: ["Enrolled"],
      key: ({ data }) => data.student,
      apply: (state) => ({ count: (state?.count ?? 0) + 1 }),
    }),
    defineProjection<typeof enrolments, Enrolled | Poisoned>({
      name: "CourseRatings",
      version: 1,
      eventTypes: ["Enrolled", "Poisoned"],
      key: ({ data }) => data.course,
      apply(state, { type }) {
        if (type === "Poisoned") throw new Error(HOSTILE);
        return { count: (state?.count ?? 0) + 1 };
      },
    }),
    defineProjection<typeof enrolments, Enrolled | Poisoned>({
      name: "CourseSearch",
      version: 1,
      eventTypes: ["Enrolled", "Poisoned"],
      errorPolicy: "skip",
      key: ({ data }) => data.course,
      apply(state, { type }) {
        if (type === "Poisoned") throw new Error(HOSTILE);
        return { count: (state?.count ?? 0) + 1 };
      },
    }),
  ];
}

function enrolments(count: number): Enrolled[] {
  return Array.from({ length: count }, (_, i) => ({
    type: "Enrolled" as const,
    data: { course: `course-${i % 40}`, student: `student-${i % 700}` },
  }));
}

/** The event that makes a projection fail. */
export const POISON: EventInput = {
  type: "Poisoned",
  data: { course: "course-1" },
};

/** How to serve. */
export interface CampusOptions {
  /** Events in the log. */
  readonly events: number;
  /** Events that rebuilds read a second: fewer than there are, and they last. @default {any} */
  readonly eventsPerSecondMax?: number;
  /** Version of `CourseDetails`. @default {1} */
  readonly version?: number;
  /** The data folder. @default {a new one} */
  readonly path?: string;
}

/** The server. */
export interface Campus extends AsyncDisposable {
  readonly url: string;
  readonly opossum: Opossum;
}

/** Starts the server; resolves when its projections are built. */
export async function startCampus(options: CampusOptions): Promise<Campus> {
  const { events, eventsPerSecondMax, version = 1 } = options;
  await using resources = new AsyncDisposableStack();
  const path = options.path ?? resources.use(new TempDir()).file("data");
  {
    // Built without the bound.
    await using opossum = await openOpossum({
      path,
      projections: projectionsOf(1),
      logger: silentLogger,
      startDaemon: false,
    });
    if (await opossum.events.head() === 0) {
      await opossum.events.append(enrolments(events));
    }
    await opossum.rebuilder.rebuildAll();
  }
  const opossum = resources.use(
    await openOpossum({
      path,
      projections: projectionsOf(version),
      logger: silentLogger,
      enableAutoRebuild: false,
      rebuildSchedule: {
        cron: "0 3 * * *",
        duration: 7_200_000,
        concurrency: 2,
      },
      ...(eventsPerSecondMax
        ? { rebuildEventsPerSecondMax: eventsPerSecondMax }
        : {}),
    }),
  );
  await opossum.daemon.whenStarted();
  const limits = { triggersPerMinute: 1_000 };
  const app = createApp({ opossum, auth: AUTH, limits });
  const server = resources.use(serveApp({
    app,
    auth: AUTH,
    host: "127.0.0.1",
    port: 0,
    logger: silentLogger,
    drainTimeoutMs: 1_000,
  }));
  const owned = resources.move();
  return {
    url: server.url,
    opossum,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
