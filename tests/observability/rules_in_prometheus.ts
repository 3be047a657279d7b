/** The alerts and the configuration, by promtool: `deno task test:observability`. */
import { assert, assertEquals } from "@std/assert";
import { alerts, FOLDER, yamlOf } from "./support/committed.ts";

async function promtool(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("promtool", {
    args,
    cwd: `${FOLDER}prometheus`,
  }).output();
  const said = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  assertEquals(code, 0, said);
  return said;
}

Deno.test("promtool check config takes the configuration", async () => {
  // Without looking for the token, which is only in the container.
  const said = await promtool(
    "check",
    "config",
    "--syntax-only",
    "prometheus.yaml",
  );
  assert(said.includes("SUCCESS"), said);
});

Deno.test("promtool check rules takes the alerts", async () => {
  const said = await promtool(
    "check",
    "rules",
    "--lint=all",
    "--lint-fatal",
    "rules.yaml",
  );
  assert(said.includes(`SUCCESS: ${alerts().length} rules found`), said);
});

Deno.test("promtool test rules: every alert fires when it should, and not otherwise", async () => {
  const said = await promtool("test", "rules", "rules_test.yaml");
  assert(said.includes("SUCCESS"), said);
});

Deno.test("the unit tests of the alerts see each fire, and each silent", () => {
  const { tests } = yamlOf<{
    tests: {
      alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[];
    }[];
  }>("prometheus/rules_test.yaml");
  const looks = tests.flatMap((test) => test.alert_rule_test);
  for (const { alert } of alerts()) {
    const own = looks.filter(({ alertname }) => alertname === alert);
    const fired = own.filter(({ exp_alerts = [] }) => exp_alerts.length > 0);
    assert(fired.length > 0, `${alert} never fires`);
    assert(fired.length < own.length, `${alert} is never silent`);
  }
});
