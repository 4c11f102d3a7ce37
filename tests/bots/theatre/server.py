"""A server that words responses and answers as an action server: what it is told to do in, good or bad answers out.

The entity `how` of the last message chooses how an action is answered, the slot `style` how a response is worded.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JSON = "application/json"
OK = {"events": [{"event": "slot", "name": "scene", "value": "played"}], "responses": [{"text": "Played."}]}

# how -> status, content type, body
ACTIONS = {
    None: (200, JSON, OK),
    "charset": (200, "application/json; charset=utf-8", OK),
    "problem": (200, "application/problem+json", OK),
    "empty": (200, JSON, {}),
    "events only": (200, JSON, {"events": OK["events"]}),
    "responses only": (200, JSON, {"responses": OK["responses"]}),
    "more keys": (200, JSON, {**OK, "more": 1}),
    "null events": (200, JSON, {**OK, "events": None}),
    "null responses": (200, JSON, {**OK, "responses": None}),
    "list": (200, JSON, []),
    "null": (200, JSON, None),
    "text": (200, "text/plain", "played"),
    "html": (200, "text/html", "<p>played</p>"),
    "no json": (200, JSON, "{played"),
    "nothing": (200, JSON, ""),
    "no content": (204, JSON, ""),
    "created": (201, JSON, OK),
    "strings": (200, JSON, {"events": ["restart"], "responses": []}),
    "unknown event": (200, JSON, {"events": [*OK["events"], {"event": "applause"}], "responses": OK["responses"]}),
    "no event": (200, JSON, {"events": [{"name": "scene"}], "responses": OK["responses"]}),
    "bad slot": (200, JSON, {"events": [{"event": "slot", "name": 7}], "responses": OK["responses"]}),
    "slot without value": (200, JSON, {"events": [{"event": "slot", "name": "scene"}], "responses": []}),
    "bad response": (200, JSON, {"events": OK["events"], "responses": ["Played."]}),
    "rejected": (400, JSON, {"action_name": "action_play", "error": "no stage"}),
    "rejected badly": (400, JSON, {"error": "no stage"}),
    "rejected in words": (400, "text/plain", "no stage"),
    "not found": (404, JSON, {"action_name": "action_play", "error": "no such play"}),
    "domain": (449, JSON, {"action_name": "action_play", "error": "no domain"}),
    "failed": (500, JSON, {"error": "the curtain fell"}),
    "unavailable": (503, "text/html", "<h1>Closed</h1>"),
    "named": (
        200,
        JSON,
        {
            "events": [],
            "responses": [
                {"response": "utter_line", "role": "Hamlet", "buttons": [{"title": "Clap", "payload": "/clap"}]},
                {"response": "utter_nowhere", "image": "https://img.example/stage.png"},
                {"text": "As it is", "custom": {"act": 1}, "template": None, "buttons": None, "elements": []},
                {"text": ""},
                {},
            ],
        },
    ),
}


def worded(call):
    """What an NLG server answers: status, content type, body."""
    slots = call["tracker"]["slots"]
    style, name = slots.get("style"), call["response"]
    said = {"text": f"{name} of {slots.get('scene')} with {sorted(call['arguments'].items())} to {call['channel']}"}
    answers = {
        None: (200, JSON, said),
        "id": (200, JSON, {"text": f"{name} has the id {call['id']}"}),
        "rich": (
            200,
            JSON,
            {
                "text": "Rich",
                "buttons": [{"title": "Clap", "payload": "/clap"}],
                "image": "https://img.example/stage.png",
                "attachment": {"type": "file", "payload": {"src": "play.pdf"}},
                "custom": {"act": 2},
                "elements": [{"title": "Seat", "subtitle": "row 1", "buttons": []}],
            },
        ),
        "more keys": (200, JSON, {**said, "mood": "sad", "metadata": {"act": 3}, "quick_replies": [{"title": "A"}]}),
        "placeholders": (200, JSON, {"text": "{scene} stays as {it} is"}),
        "lines": (200, JSON, {"text": "One\n\nTwo"}),
        "nulls": (200, JSON, {"text": "Nulls", "buttons": None, "elements": None, "image": None, "attachment": None}),
        "no text": (200, JSON, {"image": "https://img.example/stage.png"}),
        "empty": (200, JSON, {}),
        "text": (200, "text/plain", "in words"),
        "list": (200, JSON, [said]),
        "null": (200, JSON, None),
        "null text": (200, JSON, {"text": None}),
        "number": (200, JSON, {"text": 5}),
        "bad buttons": (200, JSON, {"text": "Bad", "buttons": "Clap"}),
        "failed": (500, JSON, {"error": "lost my words"}),
        "not found": (404, JSON, {"error": "no such line"}),
    }
    return answers[style]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, "text/plain", "ready")

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/nlg":
            self.answer(*worded(call))
            return
        message = call["tracker"]["latest_message"]
        how = next((entity["value"] for entity in message["entities"] if entity["entity"] == "how"), None)
        if how == "hangs up":
            self.close_connection = True
            return
        self.answer(*ACTIONS[how])

    def answer(self, status, kind, body):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *details):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
