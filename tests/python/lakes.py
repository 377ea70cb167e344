"""Lakes made by the real program over several runs, so that their files have different columns."""

import os
import subprocess

from programs import ROOT, carelake, testkit

# Real-world samples that are not part of the project.
CORPUS = os.environ.get("CARELAKE_CORPUS", os.path.join(ROOT, "../shared/corpus"))

# What the demo feed has little of: empty repetitions, HL7 null, text beyond the Basic Multilingual Plane, control characters,
# quotes and backslashes, structs and lists without a value.
ODD = "\r".join(
    [
        r"MSH|^~\&|ODD|LAB|||20260102030405.6789+0200||ADT^A08^ADT_A01|ODD1|P|2.5.1||||||UNICODE UTF-8",
        r"EVN||",
        r'PID|""||1~~3^^^A&""&ISO~|""|Æther^\.br\𝔘nicode"s^^|^""|""|😀|~~|\X00\\X0D\\X0A\ tab\X09\ \E\ \F\ "quoted" \u0041',
        r"NK1|",
        r"OBX|1|ST|a^b||one~~\T\three~||||||F",
        r"OBX|2|NM|c||||||||F",
        r"ZZZ|1||~x^y&z",
        "MSH|^~\\&|ODD|LAB|||||ADT^A08^ADT_A01|ODD2|P|2.5.1",
        "PID|",
        "",
    ]
)


def make_small(folder):
    """A lake of many small files, each of which brings columns that those before do not have. Returns its path."""
    lake, feed = os.path.join(folder, "small"), os.path.join(folder, "feed")
    testkit("demo", feed)
    carelake("init", lake)
    for name in ["vxu.hl7", "siu.hl7", "broken", "charsets", "mdm.hl7", "capture.mllp"]:
        carelake("ingest", "--lake", lake, os.path.join(feed, name))
    carelake("ingest", "--lake", lake, "--feed", "odd", "-", input=ODD.encode())
    for name in ["oru.hl7", "dft.hl7", "orm.hl7", "adt.hl7", ""]:
        carelake("ingest", "--lake", lake, os.path.join(feed, name))
    # Of one feed alone, or all would be in one large file: a commit that takes out one file and brings in another.
    carelake("replay", "--lake", lake, "--feed", "odd")
    return lake


def make_large(folder):
    """A lake with a file of hundreds of messages behind a small one. Returns its path."""
    lake = os.path.join(folder, "large")
    carelake("init", lake)
    for mix, count in [("oru", 20), ("everything", 800), ("weekday", 800)]:
        feed = testkit("feed", "--mix", mix, "--count", str(count), "--seed", "7")
        carelake("ingest", "--lake", lake, "--feed", mix, "-", input=feed)
    return lake


def make_of_corpus(folder):
    lake = os.path.join(folder, "corpus")
    carelake("init", lake)
    # Odd on purpose: there would be much to warn of.
    carelake("ingest", "--lake", lake, CORPUS, stderr=subprocess.DEVNULL)
    return lake
