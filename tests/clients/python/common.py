"""What the programs of the SDKs share: cases, and the lines they print.

Each case checks what the SDK returns and prints one JSON line: its name, what went wrong if
anything did, the request's id, and what the gateway's row of it must say. The Go program that
runs these compares. Endpoints are called "<provider>-<case>": their provider answers with the
recorded answer of that case.
"""

import json
import os

URL = os.environ["LAKEGATE_URL"]
KEY = os.environ["LAKEGATE_KEY"]
NARROW_KEY = os.environ["LAKEGATE_NARROW_KEY"]
PROVIDERS = os.environ["LAKEGATE_PROVIDERS"].split(",")

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION = "What is the weather in Paris?"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Wrong(Exception):
    """What the SDK returned is not what it should be."""


def expect(what, got, want):
    if got != want:
        raise Wrong(f"{what} is {got!r}, want {want!r}")


def expect_in(what, part, whole):
    if part not in (whole or ""):
        raise Wrong(f"{what} is {whole!r}, want {part!r} in it")


def report(name, request_id="", row=None, error="", client_request_id="", no_row=False, more_rows=0):
    print(json.dumps({"case": name, "error": error, "request_id": request_id or "", "client_request_id": client_request_id,
                      "row": row or {}, "no_row": no_row, "more_rows": more_rows}), flush=True)


def answered(request_input, output, **more):
    """The row of an answered call with so many tokens."""
    return {"status_code": 200, "outcome": "ok", "usage_source": "provider", "request_streaming": False, "requester": "sdk@example.com",
            "input_token_count": request_input, "output_token_count": output, **more}


def refused(status, outcome, **more):
    return {"status_code": status, "outcome": outcome, "input_token_count": None, "usage_source": "none", **more}


class Cases:
    """The cases of one program, in order."""

    def __init__(self, name):
        self.name = name
        self.all = []

    def __call__(self, f):
        """A case that runs once."""
        self.all.append((f.__name__, f, ()))
        return f

    def each(self, *kinds):
        """A case that runs for each provider, or for each of those given."""
        def add(f):
            for p in kinds or PROVIDERS:
                self.all.append((f"{f.__name__} of {p}", f, (p,)))
            return f
        return add

    def play(self):
        for name, f, args in self.all:
            try:
                done = f(*args)
            except Exception as e:  # every fault of a case is its own line
                report(f"{self.name} {name}", error=f"{type(e).__name__}: {e}")
                continue
            for i, line in enumerate(done if isinstance(done, list) else [done]):
                report(f"{self.name} {name}" + (f" ({i + 1})" if i else ""), **line)
