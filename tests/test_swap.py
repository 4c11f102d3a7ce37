"""Chat while models are swapped: a real server under load; every answer is one model's, and every event is stored."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from urllib.parse import urlsplit

from tests.programs import served
from tests.twobots import archive

NAMES = ("red", "blue")
SENDERS = 4
SECONDS = 2.0
SWAP_S = 0.1


def chat(port, sender, end, answers):
    """Say hello again and again on one connection; `answers` gets (status, answer) of each turn."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"sender": sender, "message": "hello"})
    while time.monotonic() < end:
        connection.request("POST", "/webhooks/rest/webhook", body)
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read())))
    connection.close()


def test_no_turn_fails_is_mixed_or_lost_while_models_are_swapped(tmp_path):
    for name in NAMES:
        shutil.copy(archive(name), tmp_path)
    with served("--enable-api", "-m", "red.tar.gz", folder=tmp_path) as server:
        port, end = urlsplit(server.url).port, time.monotonic() + SECONDS
        answers = {f"sender-{number}": [] for number in range(SENDERS)}
        threads = [threading.Thread(target=chat, args=(port, sender, end, found)) for sender, found in answers.items()]
        for thread in threads:
            thread.start()
        swaps = 0
        while time.monotonic() < end:
            swaps += 1
            body = {"model_file": f"{NAMES[swaps % 2]}.tar.gz"}
            assert server.request("PUT", "/model", body)[0] == 204
            time.sleep(SWAP_S)
        for thread in threads:
            thread.join()
        trackers = {
            sender: server.request("GET", f"/conversations/{sender}/tracker?include_events=ALL")[1]
            for sender in answers
        }
    said = [tuple(message["text"] for message in answer) for found in answers.values() for _, answer in found]
    assert {status for found in answers.values() for status, _ in found} == {200}
    assert set(said) == {(f"first {name}", f"second {name}") for name in NAMES}
    assert swaps > 3
    for sender, found in answers.items():
        events = trackers[sender]["events"]
        assert sum(event["event"] == "user" for event in events) == len(found)
        stored = [event["text"] for event in events if event["event"] == "bot"]
        assert stored == [message["text"] for _, answer in found for message in answer]
