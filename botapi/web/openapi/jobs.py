"""Endpoints below `/jobs`: nothing in, their descriptions out."""

from __future__ import annotations

from botapi.jobs import job
from botapi.web.openapi.operation import Json, Operation, Resource, empty_answer, json_answer, ref
from botapi.web.openapi.schemas import NUMBER, TEXT, listed, nullable, told

_ID = {"job_id": told(TEXT, "The job's id.", examples=["0123456789abcdef0123456789abcdef"])}
_UNKNOWN = "There is no such job, or it was forgotten."
_TASKS = [job.TRAIN, job.FINETUNE, job.TEST_STORIES, job.TEST_INTENTS, job.CROSS_VALIDATE]
_STATES = [job.QUEUED, job.RUNNING, job.DONE, job.FAILED, job.CANCELLED]
_SUMMARY: dict[str, Json] = {
    "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "task": {"enum": _TASKS},
    "state": {"enum": _STATES},
    "progress": {"type": "number", "minimum": 0, "maximum": 1},
    "created_at": told(NUMBER, "Seconds since 1970, as all times."),
    "started_at": nullable(NUMBER),
    "ended_at": nullable(NUMBER),
    "error": told(nullable(ref("Error")), "Why it failed."),
    "result": told(nullable(TEXT), "Where the result is, once the job is done."),
}


def _job(description: str, properties: dict[str, Json]) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


JOBS = Resource(
    "Jobs",
    "Trainings and tests: what waits, runs or has ended. The latest are kept for some hours.",
    {
        "GET /jobs": Operation("List jobs", answers={200: json_answer("The newest first.", listed(ref("JobSummary")))}),
        "GET /jobs/{job_id}": Operation(
            "Show a job", path=_ID, answers={200: json_answer("The job.", ref("Job")), 404: _UNKNOWN}
        ),
        "DELETE /jobs/{job_id}": Operation(
            "Cancel or forget a job",
            description="What waits or runs is cancelled; what has ended is forgotten, with its result.",
            path=_ID,
            answers={204: empty_answer("It will run no longer, or is forgotten."), 404: _UNKNOWN},
        ),
        "GET /jobs/{job_id}/result": Operation(
            "Get what a job came to",
            description="The answer that a caller who waits for it gets, also where that is an error.",
            path=_ID,
            answers={
                200: {
                    "description": "The result.",
                    "content": {
                        "application/json": {
                            "schema": {"anyOf": [ref("StoryEvaluation"), ref("NluEvaluation"), ref("OldEvaluation")]}
                        },
                        "application/x-tar": {"schema": {"type": "string", "contentMediaType": "application/gzip"}},
                    },
                },
                204: empty_answer("It was done, and there is nothing more to say."),
                404: _UNKNOWN,
                409: "It has not ended yet, or was cancelled.",
            },
        ),
    },
    {
        "JobSummary": _job("A training or test.", _SUMMARY),
        "Job": _job(
            "A training or test, with the end of its log.", {**_SUMMARY, "log": told(listed(TEXT), "The last lines.")}
        ),
    },
)
