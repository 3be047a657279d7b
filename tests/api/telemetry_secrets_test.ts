import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withoutSecrets } from "../../api/telemetry_secrets.ts";
import { MemoryLogger } from "../log/support.ts";
import { sampleArgs, ServerProcess } from "../support/server_process.ts";
import { TempDir } from "../support/temp_dir.ts";

function told(env: Record<string, string>, error: unknown): unknown {
  const logger = new MemoryLogger();
  withoutSecrets(logger, (name) => env[name])
    .log("warn", "Telemetry has trouble", { error, durationMs: 3 });
  const [record] = logger.records;
  assertEquals(record?.attributes.durationMs, 3);
  return record?.attributes.error;
}

Deno.test("withoutSecrets() hides values of the collector's headers, however they are written", () => {
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20s%C3%A9same,x=abc",
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: "api-key=open sesame",
  };
  assertEquals(
    told(env, 'Value "Bearer sésame" is refused, and "sésame", and "sesame"'),
    'Value "[hidden]" is refused, and "[hidden]", and "[hidden]"',
  );
  assertEquals(
    told(env, "Value s%C3%A9same of x=abc is refused"),
    "Value [hidden] of x=abc is refused",
  );
  assertEquals(told(env, new RangeError("No open sesame")), {
    name: "RangeError",
    message: "No [hidden]",
  });
  assertEquals(told(env, undefined), undefined);
});

Deno.test("withoutSecrets() hides users, passwords and query strings of the collector's addresses, and not the rest", () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://me:sesame@collector:4318/?key=open",
  };
  assertEquals(
    told(env, "Cannot reach http://me:sesame@collector:4318/?key=open"),
    "Cannot reach http://[hidden]@collector:4318/?[hidden]",
  );
});

Deno.test("withoutSecrets() leaves alone what needs nothing", () => {
  const logger = new MemoryLogger();
  assertEquals(withoutSecrets(logger, () => undefined), logger);
});

Deno.test("serve does not log the collector's token when it cannot be sent", async () => {
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      // Headers of gRPC must be ASCII.
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=sésame",
    },
  );
  const { written } = await server.stop();
  assertStringIncludes(written, "Telemetry could not be started");
  assert(!written.includes("sésame"), written);
});
