// Holds the contract's two files against the validators that their makers publish.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Parser, fromFile } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";

const schemas = new URL("../../../../schemas/", import.meta.url);
const faults = [];

const { document, diagnostics } = await fromFile(new Parser(), fileURLToPath(new URL("asyncapi.yaml", schemas))).parse();
// Severity 0 is an error, 1 a warning; hints follow.
for (const { severity, message, path } of diagnostics.filter((d) => d.severity <= 0)) {
  faults.push(`asyncapi.yaml: ${path.join(".")}: ${message} (${severity})`);
}
if (document) console.log(`asyncapi ${document.version()}, operations: ${document.operations().all().map((o) => o.id()).join(", ")}`);
else faults.push("asyncapi.yaml: no document");

const openapi = JSON.parse(await readFile(new URL("openapi.json", schemas), "utf8"));
const validator = new Validator();
const { valid, errors } = await validator.validate(openapi);
if (valid) console.log(`openapi ${validator.version}, ${Object.keys(openapi.paths).length} paths`);
else faults.push(`openapi.json: ${JSON.stringify(errors)}`);

for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);
