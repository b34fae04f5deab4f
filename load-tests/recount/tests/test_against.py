"""In: a small log and a Watchfloor that may lie. Kept: nothing. Out: whether the recount notices."""
import copy
import tempfile
import unittest
from pathlib import Path

from tests import small


class Against(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.log = small.write(Path(cls.folder.name) / "log.ndjson")
        cls.said = small.answers(cls.log)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def compared(self, said):
        with small.house(said) as url:
            return small.run("--log", self.log, "--against", url)

    def test_a_house_that_says_what_the_log_says_is_equal(self):
        code, text = self.compared(self.said)
        self.assertEqual(code, 0, text)
        self.assertIn("0 differences: equal", text)
        self.assertIn("3 customer", text)
        self.assertIn("control records taken on trust", text)

    def lies(self, change, word):
        said = copy.deepcopy(self.said)
        change(said)
        code, text = self.compared(said)
        self.assertEqual(code, 1, text)
        self.assertIn(word, text)

    def test_every_kind_of_lie_is_noticed(self):
        customer = next(p for p in self.said if p.startswith("/v1/customers/"))
        kpi, board = "/v1/kpis/active_customers", "/v1/boards/care"
        for what, change, word in (
            ("a value on a board", lambda s: s[board]["values"][3].__setitem__(1, 77), "cell"),
            ("a state bit", lambda s: s[board]["values"][0].__setitem__(2, 9), "cell"),
            ("an unknown cell", lambda s: s[board]["cells"][2].__setitem__(1, "nobody"), "nobody"),
            ("a digest", lambda s: s[board].__setitem__("g", "0" * 16), "digest"),
            ("an offset", lambda s: s[board].__setitem__("offsets", [[0, 3]]), "offset vector"),
            ("a part of a KPI", lambda s: s[kpi]["values"][1].__setitem__("n", 99), "active_customers"),
            ("a missing cell", lambda s: s[kpi]["values"].pop(), "active_customers"),
            ("a missing KPI", lambda s: s["/v1/kpis"]["kpis"].pop(0), "list of KPIs"),
            ("an account", lambda s: s["/healthz"]["partitions"][0].__setitem__("applied", 5), "account"),
            ("a customer", lambda s: s[customer].__setitem__("events", 1000), "customer"),
            ("a missing customer", lambda s: s.pop(customer), "customer"),
        ):
            with self.subTest(what):
                self.lies(change, word)

    def test_a_house_that_says_nothing_is_not_equal(self):
        said = {**self.said, "/v1/boards": {"boards": []}, "/v1/kpis": {"kpis": []}}
        self.assertEqual(self.compared(said)[0], 1)
