/**
 * Events and definitions for tests of the determinism check.
 *
 * @module
 */
import {
  defineProjection,
  type EventInput,
  type ProjectionDefinition,
} from "../../mod.ts";
import {
  checkDeterminism,
  type DeterminismOptions,
  type DeterminismProblem,
  type ProjectionDeterminism,
} from "../../src/testing/mod.ts";

/** An order was placed. */
export type Placed = {
  type: "Placed";
  data: { customer: string; lines: { article: string; count: number }[] };
};

/** Orders of two customers, at fixed times. */
export const ORDERS: EventInput<Placed>[] = ["ada", "bob", "ada", "ada", "bob"]
  .map((customer, index) => ({
    type: "Placed",
    tags: [`customer:${customer}`],
    timestamp: `2026-03-0${index + 1}T12:00:00.000Z`,
    data: { customer, lines: [{ article: `article ${index}`, count: index }] },
  }));

/** For what needs only one way of each sort. */
export const FEW_WAYS = {
  batchSizes: [2],
  maxConcurrentRebuilds: [1],
  rebuildMemoryBytesMax: [2 ** 20],
} satisfies Partial<DeterminismOptions>;

/** A projection of the orders, one document a customer. */
export function ordersProjection<State>(
  apply: ProjectionDefinition<State, Placed>["apply"],
  overrides: Partial<ProjectionDefinition<State, Placed>> = {},
): ProjectionDefinition<State, Placed> {
  return defineProjection<State, Placed>({
    name: "Orders",
    version: 1,
    eventTypes: ["Placed"],
    key: ({ data }) => data.customer,
    apply,
    ...overrides,
  });
}

/** What the check says of a projection of the orders. */
export async function checkOrders(
  projection: ProjectionDefinition,
  options: Partial<DeterminismOptions> = FEW_WAYS,
): Promise<ProjectionDeterminism> {
  const report = await checkDeterminism({
    projections: [projection],
    events: ORDERS,
    ...options,
  });
  const [found] = report.projections;
  if (!found) throw new Error("The projection is missing in the report");
  return found;
}

/** Of each problem, what it is about. */
export function problemsOf(
  { problems }: ProjectionDeterminism,
): Pick<DeterminismProblem, "kind" | "method" | "position" | "key">[] {
  return problems.map(({ kind, method, position, key }) => ({
    kind,
    method,
    position,
    key,
  }));
}
