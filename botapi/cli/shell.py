"""Chat with a trained bot in the terminal: lines typed in, the bot's messages printed out.

A number picks a button, /restart begins anew, /stop leaves. `shell nlu` prints what is understood instead, as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from botapi.agent.agent import Agent
from botapi.agent.loader import load_agent
from botapi.cli import opening, options
from botapi.state.messages import CollectingOutput, UserMessage

CHANNEL = "cmdline"
STOP = "/stop"
PROMPT = "Your input ->  "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.model_flags(parser)
    options.file_flags(parser)
    parser.add_argument("--conversation-id", metavar="ID", help="go on with this conversation (default: a new one)")
    options.logging_flags(parser)
    parser.set_defaults(log_level="WARNING")  # log lines would stand between the bot's


def run(arguments: argparse.Namespace) -> int:
    only_nlu = arguments.model_as_word == "nlu"
    if only_nlu:
        arguments.model_as_word = None
    agent = load_agent(opening.settings(arguments), opening.archive(arguments))
    try:
        if only_nlu:
            understand(agent)
        else:
            chat(agent, arguments.conversation_id or uuid.uuid4().hex)
    finally:
        agent.close()
    return 0


def chat(agent: Agent, conversation_id: str) -> None:
    """Talk until /stop or the end of the input."""
    buttons: list[dict[str, Any]] = []
    for line in lines(f"Talk to the bot; {STOP} leaves."):
        output = CollectingOutput(CHANNEL)
        agent.handle(UserMessage(chosen(line, buttons), conversation_id, CHANNEL, output))
        buttons = [button for message in output.messages for button in message.get("buttons", ())]
        for text in shown(output.messages):
            print(text)


def understand(agent: Agent) -> None:
    """Print the parse data of each line."""
    for line in lines(f"Type a message to see how it is understood; {STOP} leaves."):
        print(json.dumps(agent.parse(line), indent=2, ensure_ascii=False))


def lines(greeting: str) -> Iterator[str]:
    """What is typed, line by line, without empty lines; a prompt is shown only to somebody at a terminal."""
    at_terminal = sys.stdin.isatty()
    if at_terminal:
        print(greeting)
    while True:
        try:
            line = input(PROMPT if at_terminal else "").strip()
        except EOFError:
            return
        if line == STOP:
            return
        if line:
            yield line


def chosen(line: str, buttons: list[dict[str, Any]]) -> str:
    """The payload of the button whose number was typed, else what was typed."""
    if line.isdecimal() and 1 <= int(line) <= len(buttons):
        button = buttons[int(line) - 1]
        return str(button.get("payload") or button.get("title") or line)
    return line


def shown(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Lines of text for a terminal; buttons are numbered through all messages."""
    number = 0
    for message in messages:
        if "text" in message:
            yield str(message["text"])
        for button in message.get("buttons", ()):
            number += 1
            yield f"  {number}: {button.get('title', '')} ({button.get('payload', '')})"
        for kind in ("image", "attachment"):
            if kind in message:
                yield f"{kind.capitalize()}: {message[kind]}"
        if "custom" in message:
            yield json.dumps(message["custom"], indent=2, ensure_ascii=False)
