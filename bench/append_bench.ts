/**
 * Durable appends beside a bare file that is synced as often: one appender, sixteen at once, and
 * one with a condition.
 *
 * @module
 */
import { openOpossum, silentLogger } from "../mod.ts";

const APPENDERS = 16;
const path = Deno.makeTempDirSync({ prefix: "opossum_bench_" });
const opossum = await openOpossum({
  path,
  startDaemon: false,
  logger: silentLogger,
});
const bare = Deno.openSync(`${path}/bare`, { append: true, create: true });
globalThis.addEventListener(
  "unload",
  () => Deno.removeSync(path, { recursive: true }),
);

const tag = "courseId:0b9e5cb0-7f0c-4a1e-9d9e-0c8f3f6a2b11";
const event = {
  type: "CourseCreated",
  tags: [tag],
  data: { name: "x".repeat(150) },
};
const line = new TextEncoder().encode(JSON.stringify(event) + "\n");

Deno.bench(
  "a bare append and fdatasync",
  { group: "append", baseline: true },
  async () => {
    bare.writeSync(line);
    await bare.syncData();
  },
);

Deno.bench("one append", { group: "append" }, async () => {
  await opossum.events.append([event]);
});

Deno.bench("one conditional append", { group: "append" }, async () => {
  const after = await opossum.events.head();
  const failIfEventsMatch = { items: [{ tags: [tag] }] };
  await opossum.events.append([event], {
    condition: { failIfEventsMatch, after },
  });
});

Deno.bench(`${APPENDERS} appends at once`, { group: "append" }, async () => {
  await Promise.all(
    Array.from({ length: APPENDERS }, () => opossum.events.append([event])),
  );
});
