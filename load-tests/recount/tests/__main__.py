"""In: nothing. Kept: nothing. Out: all tests, and a last line `N passed, N failed`. `python3 -m tests` here."""
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    suite = unittest.defaultTestLoader.discover(str(HERE), top_level_dir=str(HERE.parent))
    ran = unittest.TextTestRunner().run(suite)
    failed = len(ran.failures) + len(ran.errors)
    print(f"{ran.testsRun - min(failed, ran.testsRun)} passed, {failed} failed")
    return 0 if ran.wasSuccessful() else 1


sys.exit(main())
