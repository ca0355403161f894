"""The explorer without its page: a choice in, JSON-able answers out; networks and frames are kept."""

import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from erlangen.audit import audit
from erlangen.blueprint import Signal
from erlangen.errors import ErlangenError, UnknownName
from erlangen.explore.choice import Choice, choice_from, number
from erlangen.explore.defects import DEFECTS
from erlangen.explore.describe import judged, layer_figure, layers_of, motions_of
from erlangen.explore.motion import Motion
from erlangen.explore.network import ARCHITECTURES, Built, build
from erlangen.explore.scenes import available
from erlangen.explore.scenes.graphs import places
from erlangen.explore.state import Moved, State, default_layer, look, move_all, parameters, steady
from erlangen.explore.teach import Lesson

NETWORKS, STATES, FRAMES = 12, 24, 512  # kept at most
Answer = dict[str, Any]


class Explorer:
    """Answers the questions of the page.

    Args:
        train: seconds to train every network that is looked at; 0 leaves its random weights.
    """

    def __init__(self, train: float = 0.0) -> None:
        self.seconds = train
        self._lock = threading.RLock()
        self._networks: OrderedDict[Any, tuple[Built, Lesson]] = OrderedDict()
        self._states: OrderedDict[Any, State] = OrderedDict()
        self._frames: OrderedDict[Any, Answer] = OrderedDict()
        self._verdicts: OrderedDict[Any, Answer] = OrderedDict()

    def spec(self, words: Mapping[str, str]) -> Answer:
        """Everything there is to choose from; groups, samples and switches for the chosen domain."""
        chosen = choice_from(words)
        found = chosen.scene
        return {
            "domains": available(),
            "domain": chosen.domain,
            "source": found.source,
            "groups": found.groups,
            "architectures": ARCHITECTURES,
            "defects": {d: {"title": DEFECTS[d].title, "why": DEFECTS[d].why} for d in found.defects},
            "samples": [s.title for s in found.samples],
            "classes": found.classes,
            "space": str(found.space),
        }

    def model(self, words: Mapping[str, str]) -> Answer:
        """The chosen network: its layers, the dials, the picture's places, and how far it is trained."""
        chosen = choice_from(words)
        state, lesson = self._state(chosen)
        return {
            "parameters": parameters(state.built.model),
            "network": type(state.built.model).__name__,
            "layers": layers_of(state),
            "layer": default_layer(state),
            "motions": motions_of(self._motions(chosen, state)),
            "places": places(state.signal) if isinstance(state.signal, Signal) else None,
            "label": chosen.scene.samples[chosen.sample].label,
            "training": lesson.progress(),
        }

    def frame(self, words: Mapping[str, str]) -> Answer:
        """One position of the dial: the moved input, the features of one layer raw and turned back, the output."""
        return self._frames_at(words, None)[0]

    def curve(self, words: Mapping[str, str]) -> Answer:
        """Errors of the output and of one layer over all positions of the dial."""
        chosen = choice_from(words)
        motion = self._motion(chosen, self._state(chosen)[0], words)
        frames = self._frames_at(words, list(range(len(motion.elements))))
        names = ("error", "layer_error", "floor", "guess")
        return {name: [f[name] for f in frames] for name in names} | {"version": frames[0]["version"]}

    def verdict(self, words: Mapping[str, str]) -> Answer:
        """The audit of the chosen network on the chosen sample: which layers are guilty, why, and what to do."""
        chosen = choice_from(words)
        state, lesson = self._state(chosen)
        key = (chosen, lesson.version)
        with self._lock:
            if key in self._verdicts:
                return self._verdicts[key]
        with lesson.lock:
            twin = copy.deepcopy(state.built.model)  # its hooks must not meet those of a frame
        start = time.perf_counter()
        found = audit(
            twin, state.signal, in_field=state.built.in_field, out_field=state.built.out_field,
            continuous=False, stability=False, elements=4,
        )  # fmt: skip
        answer = judged(found, state) | {"seconds": time.perf_counter() - start, "version": lesson.version}
        self._keep(self._verdicts, key, answer, STATES)
        return answer

    def train(self, words: Mapping[str, str]) -> Answer:
        """Start to train the chosen network for some seconds (`seconds` in the address), in the background."""
        words = dict(words)
        text = words.pop("seconds", "10")
        try:
            seconds = min(600.0, max(0.0, float(text)))
        except ValueError:
            raise UnknownName("number of seconds", text, ["10"]) from None
        _, lesson = self._network(choice_from(words))
        lesson.start(seconds)
        return lesson.progress()

    def progress(self, words: Mapping[str, str]) -> Answer:
        """How far the training of the chosen network is."""
        return self._network(choice_from(words))[1].progress()

    def close(self) -> None:
        """Stop all training."""
        with self._lock:
            for _, lesson in self._networks.values():
                lesson.stop()

    # what is kept

    def _network(self, chosen: Choice) -> tuple[Built, Lesson]:
        key = chosen.network
        with self._lock:
            if key not in self._networks:
                found = chosen.scene
                signal = found.samples[chosen.sample].signal
                built = build(found, chosen.group, chosen.architecture, chosen.defects, signal, chosen.seed)
                lesson = Lesson(built.trained, found, chosen.group if chosen.architecture == "augmented" else None)
                self._keep(self._networks, key, (built, lesson), NETWORKS)
                if self.seconds:
                    lesson.start(self.seconds)
            self._networks.move_to_end(key)
            return self._networks[key]

    def _state(self, chosen: Choice) -> tuple[State, Lesson]:
        built, lesson = self._network(chosen)
        key = (chosen, lesson.version)
        with self._lock:
            if key not in self._states or self._states[key].built is not built:
                with lesson.lock:
                    state = look(built, chosen.scene.samples[chosen.sample].signal)
                self._keep(self._states, key, state, STATES)
            return self._states[key], lesson

    def _keep(self, shelf: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
        with self._lock:
            shelf[key] = value
            shelf.move_to_end(key)
            while len(shelf) > most:
                shelf.popitem(last=False)

    def _motions(self, chosen: Choice, state: State) -> tuple[Motion, ...]:
        return chosen.scene.motions(state.built.in_field.group, state.signal)

    def _motion(self, chosen: Choice, state: State, words: Mapping[str, str]) -> Motion:
        motions = self._motions(chosen, state)
        name = words.get("motion") or motions[0].name
        for motion in motions:
            if motion.name == name:
                return motion
        raise UnknownName(f"motion of {chosen.domain!r} under {chosen.group}", name, [m.name for m in motions])

    def _frames_at(self, words: Mapping[str, str], indices: list[int] | None) -> list[Answer]:
        chosen = choice_from(words)
        state, lesson = self._state(chosen)
        motion = self._motion(chosen, state, words)
        layer = number(words, "layer", len(state.calls), default_layer(state))
        if indices is None:
            indices = [number(words, "element", len(motion.elements))]
        key = (chosen, lesson.version, motion.name, layer)
        with self._lock:
            found = {i: self._frames[(*key, i)] for i in indices if (*key, i) in self._frames}
        missing = [i for i in indices if i not in found]
        for i, moved in zip(missing, move_all(state, motion, missing, layer, lesson.lock), strict=True):
            frame = self._frame(chosen, state, motion, layer, i, moved) | {"version": lesson.version}
            self._keep(self._frames, (*key, i), frame, FRAMES)
            found[i] = frame
        return [found[i] for i in indices]

    def _frame(self, chosen: Choice, state: State, motion: Motion, layer: int, index: int, moved: Moved) -> Answer:
        element = motion.at(index)
        back = steady(state, element, layer, moved.value)
        probabilities = _probabilities(moved.output)
        renamed = isinstance(state.signal, Signal) and element.inverse is not None
        return {
            "element": index,
            "came_from": state.carry.order(element.action, len(state.signal.x)).tolist() if renamed else None,
            "input": chosen.scene.draw(moved.signal),
            "raw": layer_figure(chosen.scene, state, layer, moved.value),
            "steady": None if back is None else layer_figure(chosen.scene, state, layer, back),
            "output": probabilities,
            "clean": _probabilities(state.output),
            "guess": max(range(len(probabilities)), key=probabilities.__getitem__),
            "error": moved.error,
            "layer_error": moved.layer_error,
            "floor": moved.floor,
        }


def _probabilities(output: Tensor) -> list[float]:
    return [round(p, 5) for p in torch.softmax(output[0].double(), 0).tolist()]


ROUTES = ("spec", "model", "frame", "curve", "verdict", "train", "progress")


def answer(explorer: Explorer, route: str, words: Mapping[str, str]) -> tuple[int, Answer]:
    """(status, answer) to one question: 200, or 400 with a message that teaches.

    Args:
        explorer: whom to ask.
        route: of `ROUTES`.
        words: of the address.
    """
    try:
        if route not in ROUTES:
            raise UnknownName("question", route, ROUTES)
        return 200, getattr(explorer, route)(words)
    except ErlangenError as error:
        return 400, {"error": str(error)}
