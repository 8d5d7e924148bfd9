"""openapi/openapi.json is what the server says. To renew it: OAPIP_RENEW=1 pytest tests/http/test_snapshot.py"""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask.testing import FlaskClient

SNAPSHOT = Path(__file__).parents[2] / "openapi" / "openapi.json"


def test_the_snapshot_is_what_the_server_says(client: FlaskClient) -> None:
    document = client.get("/openapi").json
    if os.environ.get("OAPIP_RENEW"):
        SNAPSHOT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == document
