"""The description of the HTTP API in OpenAPI 3.1: one module a resource, all of them plain data, listed here.

`document.py` joins this data with the table of routes. From the table it takes which endpoints there are, who may call
them, how large a body may be and what must be there first, with the errors that follow: 400, 401, 403, 404 for an
unknown conversation, 409, 413. An entry here says the rest. To describe an endpoint, add to its resource's module:

    "POST /conversations/{conversation_id}/execute": Operation(
        "Run an action",
        query={"include_events": INCLUDE_EVENTS},
        body=json_body(record({"name": TEXT}, "name"), {"name": "utter_greet"}),
        answers={200: json_answer("What came of it.", ref("Turn")), 404: "The domain has no such action."},
    ),

The key is the route's method and path, parameters without converters. An error needs only its sentence: it holds the
error object. Schemas that several endpoints share are in `schemas.py` and `events.py`, those of one resource in its
module. A schema states what is really accepted or sent: limits, patterns, null, and, with `record`, that other keys
are taken and ignored. Tests fail where an endpoint of the table has no entry, an entry no endpoint, an example breaks
its schema, or a schema says nothing; `scripts/fuzz` sends thousands of requests made from it and checks every answer.
"""

from botapi.web.openapi.channels import CHANNELS
from botapi.web.openapi.conversations import CONVERSATIONS
from botapi.web.openapi.jobs import JOBS
from botapi.web.openapi.model import MODEL
from botapi.web.openapi.older import OLDER
from botapi.web.openapi.operation import Resource
from botapi.web.openapi.server import SERVER
from botapi.web.openapi.training import TRAINING

RESOURCES: tuple[Resource, ...] = (SERVER, CONVERSATIONS, MODEL, TRAINING, JOBS, OLDER, CHANNELS)
