/**
 * Records of who asked for what, written while the power goes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { AuditEntry } from "../../../src/audit/audit_log.ts";
import { FileAuditLog } from "../../../src/audit/file_audit_log.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import type { Workload } from "./workload.ts";
import { DATA } from "./recording.ts";
import { SimulatedDatabases } from "./simulated_databases.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

const RECORDS = 12;

const ENTRY: AuditEntry = {
  requestId: null,
  principal: "ada",
  client: null,
  action: "rebuildProjection",
  target: null,
  result: "requested",
  status: null,
  operation: null,
};

function openAudit(fileSystem: SimulatedDisk): FileAuditLog {
  return new FileAuditLog({
    fileSystem,
    directory: `${DATA}/audit`,
    clock: new FakeClock(),
    logger: silentLogger,
    // Three or four records to a file.
    fileBytesMax: 600,
  });
}

/** Writes records: those that were said to be there are there, in order, and whole. */
export function auditWorkload(): Workload {
  const told: number[] = [];
  return {
    name: "audit",
    async run({ disk }) {
      // It is run several times, and what is checked is of the last one.
      told.length = 0;
      using log = openAudit(disk);
      for (let i = 0; i < RECORDS; i++) {
        await log.record({ ...ENTRY, requestId: String(i) });
        told.push(disk.operations.length);
      }
    },
    async check({ disk, moment }) {
      using databases = new SimulatedDatabases();
      const found = new SimulatedDisk(databases, disk, { isRecording: false });
      using log = openAudit(found);
      const { records } = await log.list({ limit: 1_000 });
      const numbers = records.map(({ requestId }) => Number(requestId));
      // What was not acknowledged may be there as well: the one after, and none beyond.
      const known = told.filter((at) => at <= moment).length;
      assert(
        numbers.length >= known && numbers.length <= known + 1,
        `${numbers.length} records, ${known} acknowledged`,
      );
      assertEquals(numbers, numbers.map((_, i) => numbers.length - 1 - i));
      await log.record({ ...ENTRY, requestId: "after" });
      const { records: [first] } = await log.list({ limit: 1 });
      assertEquals(first?.requestId, "after");
    },
  };
}
