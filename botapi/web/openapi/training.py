"""Endpoints that train and test: nothing in, their descriptions out."""

from __future__ import annotations

from typing import Any

from botapi.web.openapi import project
from botapi.web.openapi.operation import Json, Operation, Resource, answer, empty_answer, json_answer, json_body, ref
from botapi.web.openapi.schemas import (
    ANY,
    BOOLEAN,
    NUMBER,
    TEXT,
    flag,
    listed,
    mapped,
    nullable,
    told,
)

YAML = "application/x-yaml"
CALLBACK_URL = told(
    {"type": "string"},
    "Where the answer is posted when it is there: http or https. This machine and private networks are refused unless "
    "`outbound: {allow: […]}` of endpoints.yml says otherwise.",
    examples=["https://client.example/trained"],
)
_PREFER = {"Prefer": told(TEXT, "`respond-async`: the answer is 202 at once.", examples=["respond-async"])}
_COMMON: dict[int, Any] = {
    202: json_answer(
        "With `Prefer: respond-async`: the job, which goes on.",
        ref("Job"),
        headers={"Location": told({"type": "string"}, "Where it can be looked at.")},
    ),
    204: empty_answer("With `callback_url`: the answer will be posted there."),
    409: "No model is loaded, or one that can't do this; or the job was cancelled.",
    503: "As many trainings and tests run and wait as may: come back after `Retry-After`. Or the work takes longer "
    "than `--response-timeout`: it goes on, and `details` has the job's id.",
}
_STEPS: list[Json] = [{"intent": "greet"}, {"action": "utter_greet"}]
_STORIES: Json = {"stories": [{"story": "hello", "steps": _STEPS}]}
_EXAMPLES: Json = {
    "nlu": [
        {"intent": "greet", "examples": "- hello\n- good morning\n"},
        {"intent": "bye", "examples": "- bye\n- see you\n"},
    ]
}
_PROJECT: Json = {
    "intents": ["greet", "bye"],
    "responses": {"utter_greet": [{"text": "Hello."}]},
    "rules": [{"rule": "greeting", "steps": _STEPS}],
    **_EXAMPLES,
}
_NUMBERS: dict[str, Json] = {"report": ref("Report"), "precision": NUMBER, "f1_score": NUMBER, "errors": listed(ANY)}


def _yaml_body(description: str, schema: Json, example: Json) -> Json:
    return {"description": description, "required": True, "content": {YAML: {"schema": schema, "example": example}}}


def _evaluation(description: str, properties: dict[str, Json], required: list[str]) -> Json:
    return {"type": "object", "description": description, "properties": properties, "required": required}


def _stories_evaluation(report: Json) -> Json:
    action = {"action": TEXT, "predicted": TEXT, "policy": nullable(TEXT), "confidence": nullable(NUMBER)}
    properties = {
        "report": report,
        "precision": NUMBER,
        "f1": NUMBER,
        "accuracy": NUMBER,
        "actions": listed({"type": "object", "properties": action, "required": list(action)}),
        "in_training_data_fraction": NUMBER,
        "is_end_to_end_evaluation": BOOLEAN,
    }
    return _evaluation("How a model did on stories.", properties, list(properties))


TRAINING = Resource(
    "Training and testing",
    "Heavy work: it runs in processes of its own, a few of which may wait.",
    {
        "POST /model/train": Operation(
            "Train a model",
            query={
                "save_to_default_model_directory": flag("Whether the archive is kept among the models.", default=True),
                "force_training": flag("Whether to train although nothing has changed."),
                "augmentation": told(
                    {"type": "integer", "minimum": 0, "maximum": 1000},
                    "How many longer stories are made by joining others, in tens.",
                    default=50,
                ),
                "callback_url": CALLBACK_URL,
            },
            headers=_PREFER,
            body=_yaml_body(
                "One YAML document with configuration, domain and training data.",
                ref("TrainingData"),
                _PROJECT,
            ),
            answers={
                200: answer(
                    "The model's archive.",
                    "application/x-tar",
                    {"type": "string", "contentMediaType": "application/gzip"},
                    headers={"filename": told(TEXT, "The archive's name.")},
                ),
                **_COMMON,
            },
        ),
        "POST /model/test/stories": Operation(
            "Test the model on stories",
            description="Each story is replayed: the model's next action is compared with the story's, which then goes "
            "on as it is written. Nothing is run or stored.",
            query={
                "e2e": flag("Whether the model has to understand what the user says, too."),
                "callback_url": CALLBACK_URL,
            },
            headers=_PREFER,
            body=_yaml_body("Test stories.", ref("TestStories"), _STORIES),
            answers={200: json_answer("How well they were predicted.", ref("StoryEvaluation")), **_COMMON},
        ),
        "POST /evaluate": Operation(
            "Test the model on stories, with the report as text",
            description="The older form of `/model/test/stories`, of rasa_core 0.12.",
            deprecated=True,
            query={
                "e2e": flag("Whether the model has to understand what the user says, too."),
                "callback_url": CALLBACK_URL,
            },
            headers=_PREFER,
            body=_yaml_body("Test stories; Markdown is not taken.", ref("TestStories"), _STORIES),
            answers={200: json_answer("How well they were predicted.", ref("OldEvaluation")), **_COMMON},
        ),
        "POST /finetune": Operation(
            "Let the model learn from a conversation",
            description="The learned policy of the loaded model goes on learning; the model that results is kept and "
            "loaded. Of rasa_core 0.12.",
            query={
                "epochs": told(
                    {"type": "integer", "minimum": 1, "maximum": 1000},
                    "How often the events are gone through.",
                    default=30,
                ),
                "callback_url": CALLBACK_URL,
            },
            headers=_PREFER,
            body=json_body(
                listed(ref("NewEvent")),
                [
                    {"event": "action", "name": "action_listen"},
                    {"event": "user", "text": "hello", "parse_data": {"intent": {"name": "greet"}}},
                    {"event": "action", "name": "utter_greet"},
                ],
            ),
            answers={**_COMMON, 204: empty_answer("It is done; or, with `callback_url`, it will be posted there.")},
        ),
        "POST /model/test/intents": Operation(
            "Test a model on examples, or a configuration by cross-validation",
            query={
                "model": told(
                    TEXT, "The model: an archive, or a folder whose newest one is taken.", examples=["models"]
                ),
                "cross_validation_folds": told(
                    {"type": "integer", "minimum": 2, "maximum": 100},
                    "Train a configuration as often, each time on all examples but a fold of them, and test it on that "
                    "fold. YAML only.",
                ),
                "callback_url": CALLBACK_URL,
            },
            headers=_PREFER,
            body={
                "description": "NLU examples. With `cross_validation_folds` the configuration, too.",
                "required": True,
                "content": {
                    YAML: {"schema": {"anyOf": [ref("Examples"), ref("TrainingData")]}, "example": _EXAMPLES},
                    "application/json": {
                        "schema": ref("ExamplesInJson"),
                        "example": {"rasa_nlu_data": {"common_examples": [{"text": "hello", "intent": "greet"}]}},
                    },
                },
            },
            answers={200: json_answer("How well they were understood.", ref("NluEvaluation")), **_COMMON},
        ),
    },
    {
        **project.SCHEMAS,
        "Report": {
            "description": "Scores by label, and their averages.",
            **mapped(
                {
                    "anyOf": [
                        {
                            "type": "object",
                            "properties": {
                                "precision": NUMBER,
                                "recall": NUMBER,
                                "f1-score": NUMBER,
                                "support": NUMBER,
                                "confused_with": told(mapped(NUMBER), "What else it was taken for, and how often."),
                            },
                            "required": ["precision", "recall", "f1-score", "support"],
                            "additionalProperties": False,
                        },
                        told(
                            NUMBER,
                            "The accuracy; the expected calibration error of confidences, of intents and responses.",
                        ),
                    ]
                }
            ),
        },
        "StoryEvaluation": _stories_evaluation(ref("Report")),
        "OldEvaluation": _stories_evaluation(told(TEXT, "A table.")),
        "Evaluation": _evaluation(
            "How well labels were found.",
            {**_NUMBERS, "accuracy": NUMBER, "predictions": listed(ANY)},
            ["report", "precision", "f1_score"],
        ),
        "NluEvaluation": _evaluation(
            "null stands for what the examples don't test.",
            {
                "intent_evaluation": nullable(ref("Evaluation")),
                "entity_evaluation": told(
                    {"anyOf": [ref("Evaluation"), mapped(ref("Evaluation")), {"type": "null"}]}, "By extractor."
                ),
                "response_selection_evaluation": nullable(ref("Evaluation")),
            },
            ["intent_evaluation", "entity_evaluation", "response_selection_evaluation"],
        ),
        "ExamplesInJson": {
            "type": "object",
            "description": "The older JSON format of NLU examples.",
            "properties": {
                "rasa_nlu_data": {
                    "type": "object",
                    "properties": {
                        "common_examples": listed(
                            {
                                "type": "object",
                                "properties": {"text": TEXT, "intent": TEXT, "entities": listed(ANY)},
                                "required": ["text"],
                            }
                        )
                    },
                }
            },
            "required": ["rasa_nlu_data"],
        },
    },
)
