// A server on simple-hl7 that acknowledges from memory: `node simple_hl7_server.js PORT`. To compare with.

const hl7 = require("simple-hl7");

const app = hl7.tcp();
app.use((request, response, next) => next());
app.use((request, response) => response.end());
app.use((error, request, response, next) => next());
app.start(Number(process.argv[2]));
console.log("ready");
