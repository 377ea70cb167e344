// node medplum.js PORT CONTROL_ID: one message by @medplum/hl7.

const { Hl7Message } = require("@medplum/core");
const { Hl7Client } = require("@medplum/hl7");
const { fail, report, segmentsOf } = require("./message");

async function main(port, controlId) {
  const client = new Hl7Client({ host: "127.0.0.1", port: Number(port) });
  const answer = await client.sendAndWait(Hl7Message.parse(segmentsOf(controlId).join("\r")), { timeoutMs: 20_000 });
  const msa = answer.getSegment("MSA");
  report(msa.getField(1).toString(), msa.getField(2).toString());
  await client.close();
  // It keeps a timer for the answer that it has.
  process.exit(0);
}

main(...process.argv.slice(2)).catch(fail);
