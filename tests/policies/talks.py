"""Small bots for tests of policies: a project as one YAML text in, a trained ensemble and conversations with it out."""

from __future__ import annotations

from botapi.data.project import read_text
from botapi.data.unroll import training_trackers
from botapi.policies.ensemble import Ensemble
from botapi.state.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from botapi.state.tracker import Tracker


def trained(text: str, augmentation: int = 0) -> Ensemble:
    """The ensemble of a project, saved and loaded again as a model does."""
    project = read_text(text)
    trackers = training_trackers(project.stories, project.domain, augmentation)
    policies = project.config.policies
    return Ensemble.load(policies, Ensemble.train(policies, trackers, project.domain).save(), project.domain)


class Talk:
    """A conversation: `say` and `happen` change it, `next` predicts; `answers` runs actions up to a listen."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble
        self.tracker = Tracker("someone", ensemble.domain.slots)
        self.happen(ActionExecuted("action_listen"))

    def happen(self, *events: Event) -> Talk:
        self.tracker.apply_all(events)
        return self

    def say(self, intent: str | None, text: str | None = None, confidence: float = 1.0, **entities: str) -> Talk:
        found = [{"entity": name, "value": value} for name, value in entities.items()]
        data = {"intent": {"name": intent, "confidence": confidence}, "entities": found}
        return self.happen(UserUttered(text or f"/{intent}", data))

    def next(self):
        return self.ensemble.predict(self.tracker)

    def run(self, action: str | None = None, *after: Event) -> str:
        """Run the predicted action, or the one that is given, with the events that it has."""
        prediction = self.next()
        name = action or prediction.action
        self.happen(*prediction.events)
        self.happen(ActionExecuted(name, prediction.policy, prediction.confidence, None, prediction.hide_rule_turn))
        self.happen(*after)
        return name

    def answers(self, intent: str, **entities: str) -> list[str]:
        """What the bot does after a message, without the listen."""
        self.say(intent, **entities)
        done = []
        while len(done) < 10:
            name = self.run()
            if name == "action_listen":
                return done
            done.append(name)
        return done

    def set(self, name: str, value: object) -> Talk:
        return self.happen(SlotSet(name, value))

    def loop(self, name: str | None) -> Talk:
        return self.happen(ActiveLoop(name))
