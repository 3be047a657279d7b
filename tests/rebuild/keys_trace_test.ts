/** What traces tell of rebuilding single documents. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RebuildConflictError } from "../../mod.ts";
import type { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { damageDocuments } from "./repair_fixture.ts";
import { change, FILE, filledSums, openSums } from "./sums_fixture.ts";
import { only } from "./trace_fixture.ts";

/** Looks at the only span of a name, of which no key may be told. */
function told(otel: ReturnType<typeof registerOtel>, name: string) {
  const { attributes, events, status } = only(otel.spans(), name);
  const text = JSON.stringify([attributes, events, status]);
  assert(!text.includes("foreign-key"), text);
  return attributes;
}

async function damaged(): Promise<TempDir> {
  const dir = await filledSums();
  damageDocuments(dir.file(FILE), [
    change(0),
    { kind: "foreign", key: "foreign-key" },
  ]);
  return dir;
}

const REACH = {
  "opossum.projection.name": "Sums",
  "opossum.event.scanned": 30,
  "opossum.position.last": 30,
};

Deno.test("rebuildKeys() is a span that tells how many documents it was about, and none of their keys", async () => {
  using dir = await damaged();
  await using opossum = await openSums(dir.path);
  await using otel = registerOtel();
  await opossum.rebuilder.rebuildKeys("Sums", ["foreign-key", "a", "b"]);
  assertEquals(told(otel, "opossum.rebuild.keys"), {
    ...REACH,
    "opossum.document.rebuilt": 3,
    "opossum.document.changed": 2,
  });
});

Deno.test("repair() is a span, too, which fails when it does", async () => {
  using dir = await damaged();
  await using opossum = await openSums(dir.path);
  await using otel = registerOtel();
  const { keys } = await opossum.rebuilder.repair("Sums");
  assertEquals(told(otel, "opossum.repair"), {
    ...REACH,
    "opossum.document.rebuilt": keys.length,
    "opossum.document.changed": 2,
  });
  const first = opossum.rebuilder.rebuildKeys("Sums", ["foreign-key"]);
  await assertRejects(
    () => opossum.rebuilder.rebuildKeys("Sums", ["foreign-key"]),
    RebuildConflictError,
  );
  await first;
  const failed = otel.spans().filter(({ status }) => status.code === 2);
  assertEquals(failed.map(({ name, attributes }) => [name, attributes]), [[
    "opossum.rebuild.keys",
    {
      "opossum.projection.name": "Sums",
      "error.type": "RebuildConflictError",
    },
  ]]);
});
