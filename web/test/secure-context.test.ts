// What only a page over HTTPS has is used nowhere without another way. It must not know what the sources do.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SOURCES = join(import.meta.dirname, "../src");

test("no source calls randomUUID, which a page over plain HTTP from another machine has not", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.tsx?$/.test(name),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((name) => readFileSync(join(SOURCES, name), "utf8").includes("randomUUID("))).toEqual(
    [],
  );
});
