"""The callback channel: {sender, message} in, `success` out; the bot's messages are posted to the configured server."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from botapi.channels.channel import Credentials, Host, health, is_guarded, user_message
from botapi.channels.postbox import Postbox
from botapi.outbound import Endpoint as Server
from botapi.outbound import Outbound, read_endpoint
from botapi.state.messages import parts
from botapi.web.api import Api, Endpoint
from botapi.web.request import Request
from botapi.web.response import Response, text_response

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0


class CallbackChannel:
    """`POST /webhooks/callback/webhook`; beside `auth`, the keys are the receiver's: url, headers, basic_auth, …"""

    def __init__(self, name: str, credentials: Credentials, host: Host) -> None:
        self.name = name
        receiver = dict(credentials)
        own = {key: receiver.pop(key) for key in ("auth",) if key in receiver}
        self._is_guarded = is_guarded(name, own, host)
        self._output = CallbackOutput(name, read_endpoint(receiver, name), host.outbound)

    def endpoints(self) -> Sequence[Endpoint]:
        prefix, public = f"/webhooks/{self.name}", not self._is_guarded
        return [
            Endpoint("GET", f"{prefix}/", health, public=True),
            Endpoint("POST", f"{prefix}/webhook", self.receive, needs="agent", public=public, by_sender=True),
        ]

    def output(self) -> CallbackOutput:
        return self._output

    def forget(self, conversation_id: str) -> None:
        self._output.postbox.forget(conversation_id)

    def close(self) -> None:
        self._output.postbox.close()

    def receive(self, api: Api, request: Request) -> Response:
        """Answer a user's message, elsewhere."""
        # What was said to a message that comes again has been posted, or is about to be.
        api.agent.handle(user_message(request, self.name, self._output), repeats=False)
        return text_response("success")


class CallbackOutput:
    """Posts each message part to the receiver, in the background."""

    def __init__(self, name: str, server: Server, outbound: Outbound) -> None:
        self.name = name
        self.server = server
        self.outbound = outbound
        self.postbox = Postbox(self._post)

    def send(self, recipient_id: str, response: Mapping[str, Any]) -> None:
        for part in parts(recipient_id, response):
            self.postbox.put(recipient_id, part)

    def _post(self, message: dict[str, Any]) -> bool:
        """Whether the receiver has it, or never will."""
        answer = self.outbound.post(self.server, json=message, timeout_s=TIMEOUT_S)
        if 400 <= answer.status < 500 and answer.status not in (408, 425, 429):
            logger.error("%s refused a message with status %d.", self.server.shown, answer.status)
        return answer.status < 500 and answer.status not in (408, 425, 429)
