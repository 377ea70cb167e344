// node node_hl7_client.js PORT CONTROL_ID: one message by node-hl7-client.

const { Client, Message } = require("node-hl7-client");
const { fail, report, segmentsOf } = require("./message");

async function main(port, controlId) {
  const client = new Client({ host: "127.0.0.1", version: "2.5.1" });
  const connection = client.createConnection({ port: Number(port), maxConnectionAttempts: 1 }, async (answer) => {
    const message = answer.getMessage();
    report(message.get("MSA.1").toString(), message.get("MSA.2").toString());
    await connection.close();
    // It would keep the process alive.
    process.exit(0);
  });
  await connection.sendMessage(new Message({ text: segmentsOf(controlId).join("\r") }));
}

main(...process.argv.slice(2)).catch(fail);
