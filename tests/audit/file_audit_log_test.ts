import { assertEquals, assertRejects } from "@std/assert";
import { AuditUnavailableError, silentLogger, systemClock } from "../../mod.ts";
import type { AuditEntry } from "../../mod.ts";
import { FileAuditLog } from "../../src/audit/file_audit_log.ts";
import { holdSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";

const entry = (action: string): AuditEntry => ({
  requestId: null,
  principal: "ada",
  client: null,
  action,
  target: null,
  result: "requested",
  status: null,
  operation: null,
});

Deno.test("an audit log that is closed finishes what it was told, and takes and opens nothing more", async () => {
  using dir = new TempDir();
  const disk = holdSync("/audit/");
  const options = {
    fileSystem: disk.fileSystem,
    directory: dir.file("audit"),
    clock: systemClock,
    logger: silentLogger,
  };
  const audit = new FileAuditLog(options);
  const written = [audit.record(entry("one")), audit.record(entry("two"))];
  await disk.reached;
  const closed = audit[Symbol.asyncDispose]();
  // Whoever is cut off by a server that stops tells the outcome now.
  const late = assertRejects(
    () => audit.record(entry("late")),
    AuditUnavailableError,
  );
  disk.release();
  await Promise.all(written);
  await closed;
  await late;
  await audit[Symbol.asyncDispose]();
  const { records } = await new FileAuditLog(options).list();
  assertEquals(records.map(({ action }) => action), ["two", "one"]);
  assertEquals([...Deno.readDirSync(dir.file("audit"))].length, 1);
});
