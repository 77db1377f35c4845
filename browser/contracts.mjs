// The demo"s contracts against the JSON schema of the Open Data Contract Standard, if that is at hand.
//
// `node browser/contracts.mjs`; ENTENTE_SHARED names the folder that holds `vectors/odcs`.

import Ajv2019 from "ajv/dist/2019.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "..");
const shared = process.env.ENTENTE_SHARED ?? join(repository, "../shared");
const standard = join(shared, "vectors/odcs");
const schemaFile = join(standard, "odcs-json-schema-v3.1.0.json");
if (!existsSync(schemaFile)) {
  console.error(`contracts: not checked, there is no ${schemaFile}`);
  process.exit(0);
}

const ajv = new Ajv2019({ allErrors: true, strict: false });
addFormats(ajv);
const isValid = ajv.compile(JSON.parse(readFileSync(schemaFile, "utf8")));

const contractsIn = (folder) => readdirSync(folder).filter((name) => name.endsWith(".odcs.yaml")).map((name) => join(folder, name));
const wrongIn = (contract) => (isValid(contract) ? [] : isValid.errors.map((error) => `${error.instancePath || "/"} ${error.message}`));

const ours = contractsIn(join(repository, "demo/contracts"));
let nWrong = 0;
for (const file of ours) {
  const contract = parse(readFileSync(file, "utf8"));
  for (const wrong of wrongIn(contract)) {
    nWrong += 1;
    console.error(`${file}: ${wrong}`);
  }
  // A check that passes whatever it is given would pass here too.
  if (wrongIn({ ...contract, kind: "Promise" }).length === 0) {
    nWrong += 1;
    console.error(`${file}: would be valid even as another kind of file`);
  }
}
console.log(`contracts: ${ours.length} of the demo against ODCS 3.1, ${nWrong} wrong`);
process.exit(nWrong > 0 || ours.length === 0 ? 1 : 0);
