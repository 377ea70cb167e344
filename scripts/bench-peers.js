// Measures node-hl7-client and simple-hl7 over a feed of CR-terminated messages: the best of three runs, one core.

const { readFileSync } = require("node:fs");
const { Message } = require("node-hl7-client");
const { Parser } = require("simple-hl7");

const messages = readFileSync(process.argv[2], "latin1").split(/(?<=\r)(?=MSH\|)/).filter(Boolean);
const size = messages.reduce((sum, message) => sum + message.length, 0);

function measure(name, read) {
  let best = Infinity;
  for (let run = 0; run < 3; run += 1) {
    const start = process.hrtime.bigint();
    for (const message of messages) read(message);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e9);
  }
  const rate = (messages.length / best).toFixed(0).padStart(10);
  console.log(`${name.padEnd(52)} ${rate} messages/s ${(size / best / 1e6).toFixed(2).padStart(8)} MB/s`);
}

// This one splits a value only when it is asked for: asking for all of them is what the others do at once.
function everything(part, depth) {
  return depth === 0 ? part.toString() : part.toArray().map((inner) => everything(inner, depth - 1));
}

const parser = new Parser();
measure("node-hl7-client 4: parse", (text) => everything(new Message({ text }), 5));
measure("node-hl7-client 4: parse, JSON without names", (text) => JSON.stringify(everything(new Message({ text }), 5)));
measure("simple-hl7 3: parse", (text) => parser.parse(text));
measure("simple-hl7 3: parse, JSON without names", (text) => JSON.stringify(parser.parse(text)));
