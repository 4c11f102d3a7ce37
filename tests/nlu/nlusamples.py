"""Training data for tests of understanding: templates in, small data sets and sentences held back to ask about out."""

from __future__ import annotations

from itertools import product

from botapi.data.examples import Example, TrainingData

TEMPLATES = {
    "greet": ("{} there", "{} my friend", "oh {}", "{} bot"),
    "order": ("i want a {}", "please order a {}", "could i have one {}", "bring me the {}"),
    "weather": ("how is the weather in {}", "will it rain in {}", "forecast for {}", "is {} sunny today"),
    "hours": ("when do you open on {}", "opening hours {}", "are you open {}", "closing time on {}"),
    "refund": ("i want my money back for the {}", "refund the {}", "return the {} and pay me back", "the {} is broken"),
}
FILLERS = {
    "greet": ("hello", "hi", "good morning", "hey"),
    "order": ("mug", "cap", "poster", "red bike"),
    "weather": ("oslo", "rome", "new york", "lima"),
    "hours": ("monday", "sunday", "friday", "easter"),
    "refund": ("mug", "cap", "poster", "red bike"),
}


def sentences() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(text, intent) pairs to train on, and others of the same kind to ask about."""
    train, ask = [], []
    for intent, templates in TEMPLATES.items():
        for number, (template, filler) in enumerate(product(templates, FILLERS[intent])):
            (ask if number % 4 == number // 4 else train).append((template.format(filler), intent))
    return train, ask


def shop() -> TrainingData:
    """A shop with keywords, a lookup table, regexes, synonyms and retrieval intents."""
    return TrainingData(
        examples=[
            Example("good morrow", "hello"),
            Example("farewell friend", "bye"),
            Example("order a mug", "order", ({"entity": "item", "start": 8, "end": 11, "value": "mug"},)),
            Example("my code is 90210", "inform", ({"entity": "zip", "start": 11, "end": 16, "value": "90210"},)),
            Example("take me to NYC", "go", ({"entity": "city", "start": 11, "end": 14, "value": "New York"},)),
            Example("how long does delivery take", "faq/ask_delivery"),
            Example("delivery time", "faq/ask_delivery"),
            Example("money back", "faq/ask_refund"),
            Example("i want a refund", "faq/ask_refund"),
            Example("how old are you", "smalltalk/ask_age"),
            Example("are you happy", "smalltalk/ask_mood"),
        ],
        synonyms={"cap": "poster"},
        regexes=[{"name": "zip", "pattern": r"\b\d{5}\b"}, {"name": "unused", "pattern": r"\d+"}],
        lookups=[{"name": "item", "elements": ["mug", "cap", "poster"]}, {"name": "city", "elements": ["new york"]}],
        responses={"utter_faq/ask_refund": [{"text": "Refunds take a week."}], "utter_other": [{"text": "No."}]},
    )
