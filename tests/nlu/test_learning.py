"""Learning: what is learned generalises, with numpy and without, the same each time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from botapi.nlu.calibration import FOLDS
from botapi.nlu.featurizers import Shape
from botapi.nlu.learning import Course, learn
from botapi.nlu.words import words_of
from tests.nlu.nlusamples import sentences

TRAIN, ASK = sentences()


def model_of(examples, **course):
    return learn(examples, Course(**course))[0]


def accuracy(model):
    right = [model.ranking(words_of(text))[0][0] == label for text, label in ASK]
    return sum(right) / len(right)


def confidence(model):
    """The mean of what the best label of each sentence gets."""
    return sum(model.ranking(words_of(text))[0][1] for text, _ in ASK) / len(ASK)


@pytest.mark.parametrize("numpy", [False, True])
def test_sentences_never_seen_get_their_label(numpy):
    assert accuracy(model_of(TRAIN, seed=3, numpy=numpy)) >= 0.9


@pytest.mark.parametrize("numpy", [False, True])
def test_the_same_data_and_seed_give_the_same_bytes(numpy):
    assert model_of(TRAIN, seed=3, numpy=numpy).save() == model_of(TRAIN, seed=3, numpy=numpy).save()


def test_another_seed_gives_another_model():
    assert model_of(TRAIN, seed=3, numpy=False).save() != model_of(TRAIN, seed=4, numpy=False).save()


def test_numpy_and_plain_python_agree_on_nearly_every_sentence():
    plain, fast = model_of(TRAIN, seed=3, numpy=False), model_of(TRAIN, seed=3, numpy=True)
    assert accuracy(plain) == pytest.approx(accuracy(fast), abs=0.051)
    for text, label in TRAIN:
        a, b = plain.ranking(words_of(text))[0], fast.ranking(words_of(text))[0]
        assert (a[0], b[0]) == (label, label)
        assert a[1] == pytest.approx(b[1], abs=0.1)


def test_the_name_of_a_label_is_one_more_example():
    model = model_of([("hello", "greet"), ("adieu", "say_goodbye")], seed=1, numpy=False)
    assert model.ranking(words_of("goodbye"))[0][0] == "say_goodbye"


def test_one_label_is_certain():
    assert model_of([("hello", "greet")], seed=1, numpy=False).ranking(words_of("x")) == [("greet", 1.0)]


@pytest.mark.parametrize("numpy", [False, True])
def test_texts_without_any_word_can_be_learned(numpy):
    model = model_of([("", "a"), (" ", "b")] * 40, seed=1, numpy=numpy)
    assert [label for label, _ in model.ranking(words_of(""))] in (["a", "b"], ["b", "a"])


def test_labels_are_in_alphabetic_order_whatever_the_order_of_the_examples():
    assert model_of(TRAIN[::-1], seed=1, numpy=False).labels == ["greet", "hours", "order", "refund", "weather"]


@pytest.mark.parametrize("numpy", [False, True])
def test_confidences_are_about_as_often_right_as_they_say(numpy):
    model = model_of(TRAIN, seed=3, numpy=numpy)
    found = [model.ranking(words_of(text))[0] + (label,) for text, label in ASK]
    certainty = sum(confidence for _, confidence, _ in found) / len(found)
    assert certainty == pytest.approx(accuracy(model), abs=0.2)


CHINESE = [
    ("今天天气怎么样", "weather"),
    ("明天会下雨吗", "weather"),
    ("北京的天气好吗", "weather"),
    ("外面冷不冷", "weather"),
    ("我想订一张机票", "flight"),
    ("帮我预订去上海的航班", "flight"),
    ("有没有飞东京的机票", "flight"),
    ("我要买机票", "flight"),
    ("播放一首歌", "music"),
    ("我想听音乐", "music"),
    ("放点流行歌曲", "music"),
    ("来一首周杰伦的歌", "music"),
]
JAPANESE = [
    ("今日の天気を教えて", "weather"),
    ("明日は雨が降りますか", "weather"),
    ("東京の天気はどうですか", "weather"),
    ("外は寒いですか", "weather"),
    ("飛行機を予約したい", "flight"),
    ("大阪行きの便を探して", "flight"),
    ("航空券を買いたいです", "flight"),
    ("東京への飛行機はありますか", "flight"),
    ("音楽をかけて", "music"),
    ("歌を聞きたい", "music"),
    ("好きな曲を流して", "music"),
    ("ジャズの音楽を再生して", "music"),
]
THAI = [
    ("วันนี้อากาศเป็นอย่างไร", "weather"),
    ("พรุ่งนี้ฝนจะตกไหม", "weather"),
    ("อากาศที่กรุงเทพดีไหม", "weather"),
    ("ข้างนอกหนาวไหม", "weather"),
    ("ฉันอยากจองตั๋วเครื่องบิน", "flight"),
    ("หาเที่ยวบินไปเชียงใหม่", "flight"),
    ("ซื้อตั๋วเครื่องบินไปโตเกียว", "flight"),
    ("มีเที่ยวบินไปลอนดอนไหม", "flight"),
    ("เปิดเพลงหน่อย", "music"),
    ("ฉันอยากฟังเพลง", "music"),
    ("เล่นเพลงสากล", "music"),
    ("ขอฟังดนตรีแจ๊ส", "music"),
]
ASKED = {
    "zh": (CHINESE, [("上海明天的天气怎么样", "weather"), ("帮我买去北京的机票", "flight"), ("我想听一首歌", "music")]),
    "ja": (
        JAPANESE,
        [("大阪の天気はどう", "weather"), ("飛行機の便を予約して", "flight"), ("ジャズの曲を聞きたい", "music")],
    ),
    "th": (THAI, [("เชียงใหม่อากาศดีไหม", "weather"), ("จองเที่ยวบินไปกรุงเทพ", "flight"), ("อยากฟังเพลงแจ๊ส", "music")]),
}


@pytest.mark.parametrize("language", ASKED)
def test_languages_without_blanks_between_words_are_learned(language):
    examples, asked = ASKED[language]
    model = model_of(examples, seed=1, numpy=False)
    assert [model.ranking(words_of(text))[0][0] for text, _ in asked] == [label for _, label in asked]


@pytest.mark.parametrize("numpy", [False, True])
def test_going_on_from_a_model_keeps_what_it_knows_and_adds_examples(numpy):
    known = [(text, label) for text, label in TRAIN if label != "weather"]
    new = [(text, label) for text, label in TRAIN if label == "weather"]
    earlier = model_of(known, seed=1, numpy=numpy)
    model = model_of([*known, *new], seed=1, numpy=numpy, earlier=earlier, epoch_fraction=0.3)
    assert model.labels == ["greet", "hours", "order", "refund", "weather"]
    assert accuracy(model) >= 0.85


def test_going_on_without_the_old_examples_does_not_forget_their_labels():
    earlier = model_of(TRAIN, seed=1, numpy=False)
    new = [("book me a trip to rome", "trip"), ("a trip please", "trip"), ("hello bot", "greet")]
    model = model_of(new, seed=1, numpy=False, earlier=earlier, epoch_fraction=0.2)
    assert "refund" in model.labels
    assert model.ranking(words_of("a trip to oslo"))[0][0] == "trip"
    assert accuracy(model) >= 0.8


def test_what_an_earlier_model_has_seen_is_not_asked_about():
    course = Course(seed=1, numpy=False)
    earlier, held_out = learn(TRAIN, course)
    assert learn(TRAIN, replace(course, earlier=earlier, epoch_fraction=0.1))[1].answers == held_out.answers


def test_what_is_held_back_is_asked_about_earlier_labels_too():
    earlier = model_of(TRAIN, seed=1, numpy=False)
    new = [("book me a trip", "trip"), ("a trip please", "trip"), ("hello bot", "greet"), ("hi bot", "greet")]
    model, held_out = learn(new, Course(seed=1, numpy=False, earlier=earlier))
    assert {len(scores) for scores, _ in held_out.answers} == {len(model.labels)} == {6}


def test_going_on_and_on_keeps_confidences_as_they_are():
    course = Course(seed=1, numpy=True, epoch_fraction=0.1)
    first = model = model_of(TRAIN, seed=1, numpy=True)
    for _ in range(3):
        model, _ = learn(TRAIN, replace(course, earlier=model))
    assert confidence(model) == pytest.approx(confidence(first), abs=0.001)


@pytest.mark.parametrize(("fraction", "epochs"), [(0.01, 1), (0.3, 3), (1.0, 10)])
def test_a_part_of_the_epochs_may_be_enough(fraction, epochs):
    told = []
    model_of(TRAIN, seed=1, numpy=True, epoch_fraction=fraction, progress=told.append)
    assert len(told) == epochs * (FOLDS + 1), "each fold is asked about, and then all is learned"


def test_the_shape_is_that_of_the_course():
    model = model_of(TRAIN, seed=1, numpy=False, shape=Shape(stop_words=("the",)))
    assert "the" not in model.features.grams


def test_progress_goes_from_nothing_to_all():
    told = []
    model_of(TRAIN, seed=1, numpy=False, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert len(told) > 20
