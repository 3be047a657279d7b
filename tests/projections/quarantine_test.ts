import { assertEquals } from "@std/assert";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("a quarantined document stays as it was, live and rebuilt, and the others go on", async () => {
  using dir = new TempDir();
  const definition = countingProjection("One", {
    errorPolicy: "quarantine",
    apply(state, { data }) {
      if (data.by === 5) throw new Error("Five");
      return { sum: (state?.sum ?? 0) + data.by };
    },
  });
  await using opossum = openOverMemory(dir.path, [definition]);
  const { events, daemon, projections, rebuilder } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  // The fifth of nine is the second of "b".
  const { last } = await events.append(counts(9));
  await projections.waitFor(last);
  for (const which of ["live", "rebuilt"]) {
    if (which === "rebuilt") await rebuilder.rebuild("One");
    const { documents } = await projections.list<{ sum: number }>("One");
    assertEquals(
      documents.map(({ key, state }) => [key, state.sum]),
      [["a", 1 + 4 + 7], ["b", 2], ["c", 3 + 6 + 9]],
      which,
    );
  }
});
