import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { openFileEventStore } from "../../src/log/file_event_store.ts";
import { silentLogger } from "../../src/telemetry/logger.ts";

/** Texts whose UTF-8 bytes, taken one by one, look like other texts. */
const text = fc.oneof(
  fc.constantFrom("A", "é", "Ã©", "ł", "😀", '"', "\\", "a\\u00e9", "\u2028"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
);

Deno.test("a scan finds every event by type and gives back its text, ASCII or not", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ type: text, note: text }), {
        minLength: 1,
        maxLength: 40,
      }),
      async (inputs) => {
        const path = await Deno.makeTempDir();
        try {
          await using store = await openFileEventStore({
            path,
            logger: silentLogger,
          });
          await store.append(
            inputs.map(({ type, note }) => ({ type, data: { note } })),
          );
          for (const wanted of new Set(inputs.map(({ type }) => type))) {
            const found: unknown[] = [];
            const query = { items: [{ types: [wanted] }] };
            const range = { after: 0, upTo: inputs.length, batchSize: 7 };
            for await (const batch of store.readBatches(query, range)) {
              for (const { data } of batch.events) found.push(data);
            }
            assertEquals(
              found,
              inputs.filter(({ type }) => type === wanted)
                .map(({ note }) => ({ note })),
            );
          }
        } finally {
          await Deno.remove(path, { recursive: true });
        }
      },
    ),
    { numRuns: 60 },
  );
});
