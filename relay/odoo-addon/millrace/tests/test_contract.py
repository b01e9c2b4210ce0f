"""The contract as README.md states it: over HTTP, and the examples in it."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

from odoo.http import root
from odoo.tools import mute_logger
from werkzeug.test import Client

from ..executor import allow, language, limits
from .common import PostingCase

README = Path(__file__).parent.parent / "README.md"


class TestContract(PostingCase):
    """Requests go through Odoo's own HTTP application, without a socket: HttpCase first builds every asset of the web
    client, which takes a minute and these tests none of it.
    """

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.http_request_allow_all = True
        self.client = Client(root)

    def post(self, method, body, key=None):
        if key is None:
            keys = self.env["res.users.apikeys"].with_user(self.bot)
            key = keys._generate("rpc", "test", datetime.now() + timedelta(days=1))
        headers = {"Authorization": f"bearer {key}", "X-Odoo-Database": self.env.cr.dbname}
        return self.client.post(f"/json/2/millrace.posting/{method}", json=body, headers=headers)

    def test_a_relay_starts_takes_posts_and_asks_over_http(self):
        version = self.post("version", {}).json
        self.assertEqual((version["language"], version["user"]), (limits.LANGUAGE_VERSION, "millrace_bot"))
        taken = self.post("take", {"domain": "test-plant", "floor_number": 41}).json
        self.assertEqual((taken["state"], taken["number"]), ("ok", 42))
        posting = self.creating("pump")
        body = {
            "domain": "test-plant",
            "fence": 42,
            "postings": [posting],
            "seen": {"count": taken["count"], "database": taken["database"]},
        }
        answer = self.post("apply", body).json
        self.assertEqual((answer["state"], answer["count"]), ("ok", taken["count"] + 1))
        self.assertEqual(answer["results"][0]["state"], "done")
        asked = self.post("ask", {"domain": "test-plant", "messages": posting["messages"]}).json
        self.assertEqual(asked["results"], [{**answer["results"][0], "repeat": True}])
        purged = self.post(
            "purge", {"domain": "test-plant", "fence": 42, "floors": [{"lane": "agent-1:e1:normal", "below": 99}]}
        )
        self.assertEqual(purged.json["deleted"], 1)

    def test_rights_and_misspelt_arguments_are_http_errors_with_a_name(self):
        with mute_logger("odoo.http"):
            refused = self.post("take", {"domain": "no-such-plant"})
        self.assertEqual((refused.status_code, refused.json["name"]), (403, "odoo.exceptions.AccessError"))
        misspelt = self.post("take", {"domian": "test-plant"})
        self.assertEqual(
            (misspelt.status_code, misspelt.json["name"]), (422, "werkzeug.exceptions.UnprocessableEntity")
        )
        self.assertEqual(self.post("version", {}, key="wrong").status_code, 401)

    def test_the_context_of_a_request_does_not_reach_the_steps(self):
        body = {
            "domain": "test-plant",
            "fence": self.fence,
            "postings": [self.creating("pump")],
            "context": {"default_email": "x@x"},
        }
        record = self.post("apply", body).json["results"][0]["record"]
        self.assertFalse(self.env["res.partner"].browse(record).email)

    def test_the_examples_of_the_readme_are_right(self):
        examples = [json.loads(text) for block in re.findall(r"```json\n(.*?)```", README.read_text(), re.S)
                    for text in re.split(r"(?<=\})\n(?=\{\")", block.replace("…", "").strip())]  # fmt: skip
        requests = [e for e in examples if "postings" in e]
        self.assertTrue(requests)
        for request in requests:
            for messages, posting in language.parse_request(request["postings"], False):
                language.parse_posting(posting, messages)
        steps = [e for e in examples if "as" in e]
        self.assertEqual([language._parse_step(step, set()).name for step in steps], ["below"])
        lists = [e for e in examples if "models" in e]
        self.assertEqual([bool(allow.parse(json.dumps(e))["models"]) for e in lists], [True])
        for name, bound in limits.as_dict().items():
            shown = f"{bound:,}"
            if name in ("postings", "messages", "steps", "locks", "ids_per_step", "ask_messages", "purge_rows"):
                self.assertIn(shown, README.read_text(), name)
