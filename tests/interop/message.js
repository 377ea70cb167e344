// What every client here sends, and how it says what it was told: one line, MSA-1 and MSA-2.

exports.segmentsOf = (controlId, version = "2.5.1") => [
  `MSH|^~\\&|INTEROP|LAB|CARELAKE|HUB|20260102030405||ADT^A08^ADT_A01|${controlId}|P|${version}`,
  "EVN||20260102030405",
  "PID|1||77001^^^LAB^MR||SAMPLE^PAT||19800101|F",
  "PV1|1|I|WEST^1^A",
];

exports.report = (code, controlId) => {
  console.log(`${code} ${controlId}`);
};

exports.fail = (error) => {
  console.error(`error: ${error && error.message}`);
  process.exit(1);
};
