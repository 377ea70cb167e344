"""The programs under test, as the workspace's build leaves them."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "debug")


def carelake(*words, **more):
    return run("carelake", *words, **more)


def testkit(*words):
    return run("testkit", *words)


def run(program, *words, **more):
    """The bytes it printed; what it complains of goes where ours goes, and a failure of it is one of ours."""
    return subprocess.run([os.path.join(BUILT, program), *words], stdout=subprocess.PIPE, check=True, **more).stdout
