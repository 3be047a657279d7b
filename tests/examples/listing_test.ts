import { assert, assertEquals } from "@std/assert";
import { seedStore } from "../../examples/course_management/seeder.ts";
import { oracleStates } from "./oracle.ts";
import { TestApp } from "./test_app.ts";

Deno.test("lists page through everything once, in every order", async () => {
  await using app = await TestApp.open();
  const { opossum } = app;
  await seedStore(opossum.events, { events: 400, seed: 5 });
  await opossum.projections.waitFor(400);
  const states = oracleStates(
    await Array.fromAsync(opossum.events.read("all")),
  );
  const collator = new Intl.Collator("en");
  const lists = [
    ["/students", "studentId", states.StudentShortInfo],
    ["/courses", "courseId", states.CourseShortInfo],
  ] as const;
  for (const [path, id, documents] of lists) {
    const fields = path === "/students"
      ? ["id", "firstName", "lastName", "email", "enrolledCourses"]
      : ["id", "name", "maxStudents", "enrolled"];
    for (const sort of fields) {
      for (const order of ["asc", "desc"]) {
        const listed: Record<string, unknown>[] = [];
        let next: string | null = "";
        while (next !== null) {
          const query: Record<string, string> = { sort, order, limit: "7" };
          if (next !== "") query.after = next;
          const url = `${path}?${new URLSearchParams(query)}`;
          const { status, headers, body } = await app.send("GET", url);
          assertEquals(status, 200);
          assert(body.items.length <= 7 && body.items.length > 0);
          assertEquals(body.checkpoint, 400);
          listed.push(...body.items);
          next = body.next;
          const link = headers.get("link");
          assertEquals(link === null, next === null);
          if (next) assert(link?.includes(`after=${next}`));
        }
        const field = sort === "id" ? id : sort;
        const expected = [...documents.values()].sort((a, b) => {
          const [x, y] = [a[field], b[field]];
          const byField = typeof x === "number" && typeof y === "number"
            ? x - y
            : sort === "id"
            ? 0
            : collator.compare(String(x), String(y));
          const byId = String(a[id]) < String(b[id]) ? -1 : 1;
          return (byField || byId) * (order === "asc" ? 1 : -1);
        });
        assertEquals(listed, expected, `${path} by ${sort} ${order}`);
      }
    }
  }
});

Deno.test("a cursor of another order is refused", async () => {
  await using app = await TestApp.open();
  await seedStore(app.opossum.events, { events: 100 });
  await app.opossum.projections.waitFor(100);
  const { body } = await app.send("GET", "/students?limit=1&sort=email");
  for (const query of ["", "&sort=lastName", "&sort=email&order=desc"]) {
    const path = `/students?after=${body.next}${query}`;
    assertEquals((await app.send("GET", path)).status, 400, path);
  }
  const same = `/students?after=${body.next}&sort=email`;
  assertEquals((await app.send("GET", same)).status, 200);
});
