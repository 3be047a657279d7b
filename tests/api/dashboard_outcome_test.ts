/** What the dashboard's script says of the server's answers. */
import { assertEquals } from "@std/assert";
import { outcomeOf as tell } from "../../api/dashboard/script/outcome.js";

const GOES_ON = "The repair goes on: what came of it will stand on this page";

/** As the server's answers are: of one kind or the other. */
const outcomeOf = tell as unknown as (
  answer: object,
  done: string,
) => { readonly text: string; readonly tone: string };

Deno.test("the dashboard tells a repair that goes on from one that is done", () => {
  const rebuilt = {
    projectionName: "A",
    checkpoint: 9,
    eventsScanned: 9,
    keys: [{ key: "a", change: "added" }, { key: "b", change: "unchanged" }],
  };
  assertEquals(outcomeOf(rebuilt, GOES_ON), {
    text: "Repair of A: 0 changed, 1 added, 0 removed.",
    tone: "good",
  });
  assertEquals(
    outcomeOf({ ...rebuilt, keys: [] }, GOES_ON).text,
    "Repair of A: nothing was to be mended.",
  );
  const progress = {
    projectionName: "A",
    startedAt: "2026-01-15T10:30:00.000Z",
    phase: "scanning",
    documentsChecked: 3,
    documents: 3,
    position: 2,
    target: 6,
    // A number, where the outcome has a list.
    keys: 2,
    percent: 43,
    perSecond: null,
  };
  assertEquals(outcomeOf(progress, GOES_ON), {
    text: `${GOES_ON}.`,
    tone: "good",
  });
});
