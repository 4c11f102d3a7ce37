"""Training data with roles, groups and entities of several words, for tests of tagging."""

from __future__ import annotations

from botapi.data import nlu
from botapi.data.examples import TrainingData

PLACES = ("Oslo", "Rome", "New York", "Lima", "San Diego", "Bern", "Kyiv", "Rio de Janeiro")
TO, FROM = '{"entity": "city", "role": "to"}', '{"entity": "city", "role": "from"}'
PIZZA, SIDE = '{"entity": "topping", "group": "1"}', '{"entity": "topping", "group": "2"}'


def trips() -> TrainingData:
    """Journeys between cities with roles, pizzas with grouped toppings, and greetings without any entity."""
    lines = ["nlu:", "- intent: travel", "  examples: |"]
    for a, b in zip(PLACES, PLACES[1:] + PLACES[:1], strict=True):
        lines.append(f"    - i fly from [{a}]{FROM} to [{b}]{TO}")
        lines.append(f"    - to [{a}]{TO} from [{b}]{FROM}, please")
        lines.append(f"    - a ticket to [{a}]{TO}")
    lines += ["- intent: order", "  examples: |"]
    for a, b in (("ham", "cheese"), ("cheese", "olives"), ("olives", "ham")):
        lines.append(f"    - one pizza with [{a}]{PIZZA} and one with [{b}]{SIDE}")
    lines += ["- intent: greet", "  examples: |", "    - hello", "    - good day", "    - hi there"]
    return nlu.read("\n".join(lines) + "\n")
