import { assert, assertEquals } from "@std/assert";
import { ScanControl } from "../../src/rebuild/scan_control.ts";

/** Both sides of one pass. */
function bothSides(members: number): readonly [ScanControl, ScanControl] {
  const memory = ScanControl.allocate(members);
  return [new ScanControl(memory), new ScanControl(memory)];
}

Deno.test("what one side says of a member, the other reads of that member alone", () => {
  for (const members of [1, 2, 5, 30]) {
    const [server, worker] = bothSides(members);
    for (let member = 0; member < members; member++) {
      const progress = {
        position: 2 ** 50 + member,
        eventsApplied: 1_000 + member,
        bytesRead: 2 ** 51 + member,
        worked: member / members,
      };
      worker.report(member, progress);
      server.stop(member);
      for (let other = member; other < members; other++) {
        assertEquals(worker.isStopped(other), other === member);
      }
      assertEquals(server.progress(member), progress);
    }
    // Neither side's flags took the place of the other's numbers.
    assertEquals(server.progress(0).position, 2 ** 50);
    assertEquals(server.beats, 0);
    assertEquals(server.atWork, undefined);
    assert(!server.isStoring);
  }
});

Deno.test("a sign of life, whose code runs, and that the database is at work are seen", () => {
  const [server, worker] = bothSides(2);
  const before = server.beats;
  worker.beat();
  assert(server.beats !== before);
  worker.enter(1);
  assertEquals(server.atWork, 1);
  {
    using _storing = worker.store();
    assert(server.isStoring);
  }
  assert(!server.isStoring);
});
