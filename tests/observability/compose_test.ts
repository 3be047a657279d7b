import { assert, assertEquals } from "@std/assert";
import { DCLinter } from "dclint";
import { reachableFrom, ROOT, sourceFiles } from "../support/source_files.ts";
import {
  DASHBOARD_FILES,
  FOLDER,
  textOf,
  yamlOf,
} from "./support/committed.ts";

interface Service {
  readonly image?: string;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly secrets?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly "read_only"?: boolean;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const compose = yamlOf<Compose>("compose.yaml");
const services = Object.entries(compose.services);

/** Lints a file against the schema of the Compose specification and good practice. */
function lint(path: string): string[] {
  const linter = new DCLinter({
    rules: { "require-quotes-in-ports": [2, { quoteType: "double" }] },
    quiet: false,
    debug: false,
    exclude: [],
  });
  const isRecursive = false;
  return linter.lintFiles([path], isRecursive)
    .flatMap(({ messages }) => messages)
    .map(({ line, rule, message }) => `${line}: ${rule}: ${message}`);
}

Deno.test("compose: the file is what the Compose specification says", () => {
  assertEquals(lint(`${FOLDER}compose.yaml`), []);
});

Deno.test("compose: a file that is not what the specification says is found out", () => {
  const path = Deno.makeTempFileSync({ suffix: ".yaml" });
  try {
    Deno.writeTextFileSync(
      path,
      textOf("compose.yaml").replace("read_only: true", "read_only: [1]"),
    );
    const messages = lint(path);
    assert(
      messages.some((each) => each.includes("invalid-schema")),
      `${messages}`,
    );
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("compose: only this machine reaches it, nothing is written but volumes, and each is looked after", () => {
  assertEquals(Object.keys(compose.services), [
    "grafana",
    "jaeger",
    "opossum",
    "prometheus",
  ]);
  for (const [name, service] of services) {
    assert(service.ports.every((port) => port.startsWith("127.0.0.1:")), name);
    assert(service.read_only, name);
    assert((service.healthcheck?.test.length ?? 0) > 2, name);
    const mounts = (service.volumes ?? []).filter((volume) =>
      volume.startsWith(".")
    );
    assert(mounts.every((mount) => mount.endsWith(":ro")), name);
  }
});

Deno.test("compose: images have a version to the last digit", () => {
  const images = [
    ...services.flatMap(([, { image }]) => image ?? []),
    ...[...textOf("Dockerfile").matchAll(/^FROM (\S+)/gm)]
      .map(([, image = ""]) => image),
  ];
  assertEquals(images.length, 4);
  for (const image of images) {
    assert(/^[a-z/]+:v?\d+\.\d+\.\d+$/.test(image), image);
  }
});

Deno.test("compose: what is mounted exists, and no secret is in the repository", () => {
  for (const [name, { volumes = [], secrets = [] }] of services) {
    for (
      const [, source = ""] of volumes.join("\n").matchAll(/^\.\/([^:]+):/gm)
    ) {
      assert(Deno.statSync(`${FOLDER}${source}`).isDirectory, source);
    }
    for (const secret of secrets) {
      assert(compose.secrets[secret]?.file.startsWith("./secrets/"), name);
    }
  }
  assertEquals(textOf("secrets/.gitignore").split("\n").slice(1, 3), [
    "*",
    "!.gitignore",
  ]);
});

Deno.test("compose: paths in containers are those that the tools are told", () => {
  const { grafana, prometheus, opossum } = compose.services;
  const { scrape_configs: [scrape] } = yamlOf<{
    scrape_configs: { authorization: { credentials_file: string } }[];
  }>("prometheus/prometheus.yaml");
  const secret = scrape?.authorization.credentials_file.replace(
    "/run/secrets/",
    "",
  );
  assert(secret);
  assertEquals(prometheus?.secrets, [secret]);
  assert(
    prometheus?.command?.includes(
      "--config.file=/etc/prometheus/prometheus.yaml",
    ),
  );
  assert(opossum?.command?.join(" ").includes("/run/secrets/tokens"));
  const { providers: [provider] } = yamlOf<{
    providers: { options: { path: string } }[];
  }>("grafana/provisioning/dashboards/dashboards.yaml");
  const folder = provider?.options.path;
  assert(grafana?.volumes.includes(`./grafana/dashboards:${folder}:ro`));
  assertEquals(
    grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH,
    `${folder}/${DASHBOARD_FILES[0]}`,
  );
});

Deno.test("compose: services are asked at the ports that they have", () => {
  const { datasources } = yamlOf<{ datasources: { url: string }[] }>(
    "grafana/provisioning/datasources/datasources.yaml",
  );
  const [group] = yamlOf<{ targets: string[] }[]>(
    "prometheus/targets/opossum.yaml",
  );
  const addresses = [
    ...datasources.map(({ url }) => new URL(url).host),
    ...group?.targets ?? [],
    new URL(
      compose.services.opossum?.environment?.OTEL_EXPORTER_OTLP_ENDPOINT ?? "",
    ).host,
  ];
  assertEquals(addresses.length, 4);
  for (const address of addresses) {
    const [name = "", port = ""] = address.split(":");
    assert(
      compose.services[name]?.ports.some((each) => each.endsWith(`:${port}`)),
      address,
    );
  }
});

Deno.test("compose: the image has every file that the server loads, and its context sends them", () => {
  const product = sourceFiles("mod.ts", "src", "api", "examples");
  const copied = [...textOf("Dockerfile").matchAll(/^COPY (.+) \S+$/gm)]
    .flatMap(([, sources = ""]) => sources.split(" "));
  const entries = [
    "examples/course_management/serve.ts",
    "examples/course_management/projections.ts",
    "src/rebuild/scan_worker.ts",
  ];
  for (const entry of entries) assert(textOf("Dockerfile").includes(entry));
  const needed = [
    ...[...reachableFrom(product, entries)].filter((path) =>
      product.some((file) => file.path === path)
    ),
    "deno.json",
    "deno.lock",
    "links/std_assert/deno.json",
  ];
  assert(needed.length > 100);
  assertEquals(
    needed.filter((path) =>
      !copied.some((each) => path === each || path.startsWith(`${each}/`))
    ),
    [],
  );
  const sent = textOf("Dockerfile.dockerignore").split("\n")
    .filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  assertEquals(sent.toSorted(), copied.toSorted());
  for (const path of copied) assert(Deno.statSync(`${ROOT}${path}`), path);
});
