// node simple_hl7.js PORT CONTROL_ID: one message by simple-hl7.

const { Parser, Server } = require("simple-hl7");
const { fail, report, segmentsOf } = require("./message");

const [port, controlId] = process.argv.slice(2);
const client = Server.createTcpClient("127.0.0.1", Number(port));
const message = new Parser({ segmentSeperator: "\r" }).parse(segmentsOf(controlId).join("\r"));
client.send(message, (error, answer) => {
  if (error) fail(error);
  const msa = answer.getSegment("MSA");
  report(msa.getField(1).toString(), msa.getField(2).toString());
});
