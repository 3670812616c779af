// Tells Node that the files in dist/cjs are CommonJS; those beside them are modules.
import { writeFile } from "node:fs/promises";

await writeFile(new URL("../dist/cjs/package.json", import.meta.url), '{ "type": "commonjs" }\n');
