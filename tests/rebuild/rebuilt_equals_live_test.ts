import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  defineProjection,
  type ProjectionDefinition,
  RebuilderClosedError,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

type Named = { type: "Named"; data: { id: string; name: string } };
type Linked = { type: "Linked"; data: { from: string; to: string } };
type Dropped = { type: "Dropped"; data: { id: string } };
type Event = Named | Linked | Dropped;

interface Node {
  name: string;
  links: { to: string; name: string | null }[];
}

/** Uses everything that may part a rebuild from live: related events, deletion, tags. */
const nodes: ProjectionDefinition<Node, Event> = defineProjection<Node, Event>({
  name: "Nodes",
  version: 1,
  eventTypes: ["Named", "Linked", "Dropped"],
  key: (event) => event.type === "Linked" ? event.data.from : event.data.id,
  related: {
    eventTypes: ["Named"],
    tags: (event) => event.type === "Linked" ? [`id:${event.data.to}`] : [],
  },
  apply(state, event, { related }) {
    if (event.type === "Dropped") return undefined;
    const node = state ?? { name: "", links: [] };
    if (event.type === "Named") return { ...node, name: event.data.name };
    const target = related.at(-1);
    const name = target?.type === "Named" ? target.data.name : null;
    node.links.push({ to: event.data.to, name });
    return node;
  },
  tags: (state) => state.links.map(({ to }) => `to:${to}`),
});

const counters = defineProjection<{ count: number }, Event>({
  name: "Counters",
  version: 1,
  eventTypes: ["Named", "Linked"],
  key: (event) =>
    event.type === "Linked" ? [event.data.from, event.data.to] : "named",
  apply: (state) => ({ count: (state?.count ?? 0) + 1 }),
});

const PROJECTIONS = [nodes, counters];

/** The plainest fold there is: what every projection must equal. */
function oracle(
  events: readonly Event[],
): Record<string, Record<string, unknown>> {
  const nodesByKey: Record<string, Node> = {};
  const names: Record<string, string> = {};
  const countsByKey: Record<string, { count: number }> = {};
  const count = (key: string) => {
    countsByKey[key] = { count: (countsByKey[key]?.count ?? 0) + 1 };
  };
  for (const event of events) {
    if (event.type === "Dropped") delete nodesByKey[event.data.id];
    else if (event.type === "Named") {
      const { id, name } = event.data;
      nodesByKey[id] = { name, links: nodesByKey[id]?.links ?? [] };
      names[id] = name;
      count("named");
    } else {
      const { from, to } = event.data;
      const node = nodesByKey[from] ??= { name: "", links: [] };
      node.links.push({ to, name: names[to] ?? null });
      for (const key of new Set([from, to])) count(key);
    }
  }
  return { Nodes: nodesByKey, Counters: countsByKey };
}

/** A restart may come before the rebuild was begun. */
async function orClosed(rebuild: Promise<unknown>): Promise<void> {
  try {
    await rebuild;
  } catch (error) {
    if (!(error instanceof RebuilderClosedError)) throw error;
  }
}

const id = fc.constantFrom("a", "b", "c", "d");
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ id, name: fc.string({ maxLength: 4 }) })
    .map((data) => ({ type: "Named" as const, data })),
  fc.record({ from: id, to: id })
    .map((data) => ({ type: "Linked" as const, data })),
  fc.record({ id }).map((data) => ({ type: "Dropped" as const, data })),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.array(event, { minLength: 1, maxLength: 8 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("rebuild", "rebuildAll", "restart" as const),
  },
);

Deno.test("rebuilt equals live, whatever happens in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.constantFrom(1, 2, 3, 1_000),
      fc.constantFrom(1, 2, 4),
      async (steps, batchSize, maxConcurrentRebuilds) => {
        using dir = new TempDir();
        const log = new MemoryEventStore();
        const options = { batchSize, maxConcurrentRebuilds };
        const open = () => openOverMemory(dir.path, PROJECTIONS, options, log);
        let opossum = open();
        await opossum.daemon.start();
        const all: Event[] = [];
        const rebuilds: Promise<unknown>[] = [];
        for (const action of steps) {
          if (Array.isArray(action)) {
            all.push(...action);
            await log.append(action.map((event) => ({
              ...event,
              tags: event.type === "Linked" ? [] : [`id:${event.data.id}`],
            })));
          } else if (action === "restart") {
            await opossum[Symbol.asyncDispose]();
            opossum = open();
            await opossum.daemon.start();
          } else if (action === "rebuild") {
            rebuilds.push(orClosed(opossum.rebuilder.rebuild("Nodes")));
          } else {
            rebuilds.push(
              orClosed(opossum.rebuilder.rebuildAll({ forceRebuild: true })),
            );
          }
        }
        await Promise.all(rebuilds);
        await opossum.daemon.whenStarted();
        await opossum.projections.waitFor(all.length);
        const expected = oracle(all);
        for (const name of ["Nodes", "Counters"]) {
          const { documents } = await opossum.projections.list(name);
          const states = documents.map(({ key, state }) => [key, state]);
          assertEquals(Object.fromEntries(states), expected[name], name);
          const info = await opossum.projections.info(name);
          assertEquals(info.documents, documents.length);
        }
        await opossum[Symbol.asyncDispose]();
      },
    ),
    { numRuns: 40 },
  );
});
