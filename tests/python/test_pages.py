"""Pages that can be followed: each command block of a page, in order, in one empty folder, prints what the page says.

A block of `sh` is run; a block of `text` right behind it is what it prints, errors included; blocks of other languages are only
to be read. UPDATE_EXPECT=1 writes into the page what was printed; read the diff.
"""

import os
import re
import subprocess
import tempfile
import unittest

from programs import BUILT, ROOT

PAGES = ["docs/from-the-post.md"]
BLOCK = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:\n^```text\n(?P<printed>.*?)^```\n)?", re.MULTILINE | re.DOTALL)


class Pages(unittest.TestCase):
    maxDiff = None

    def test_pages_can_be_followed(self):
        for page in PAGES:
            with self.subTest(page=page):
                self.follow(os.path.join(ROOT, page))

    def follow(self, path):
        with open(path, encoding="utf-8") as file:
            page = file.read()
        self.assertGreater(len(BLOCK.findall(page)), 5)
        with tempfile.TemporaryDirectory() as folder:
            followed = BLOCK.sub(lambda block: run(block, folder), page)
        if os.environ.get("UPDATE_EXPECT"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(followed)
        self.assertEqual(page, followed)


def run(block, folder):
    """The block as it would have to be, with what its commands print now."""
    environment = {"PATH": f"{BUILT}:{os.environ['PATH']}", "HOME": folder, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["sh", "-eu", "-c", block["commands"]],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    printed = done.stdout
    if done.returncode != 0:
        printed += f"(exit code {done.returncode})\n"
    commands = f"```sh\n{block['commands']}```\n"
    return f"{commands}\n```text\n{printed}```\n" if printed or block["printed"] is not None else commands


if __name__ == "__main__":
    unittest.main()
