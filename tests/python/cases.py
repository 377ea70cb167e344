"""Tests of a lake of their own."""

import os
import tempfile
import unittest

from programs import carelake


class LakeTest(unittest.TestCase):
    """Has a new lake in `self.lake`, and a folder that is gone after the test in `self.folder`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.lake = os.path.join(self.folder, "lake")
        carelake("init", self.lake)
