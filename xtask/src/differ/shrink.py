"""Makes a question that differs smaller for as long as it differs: without a part, or with a part of a condition."""

from dataclasses import fields, replace

from conditions import Joined, Not, both
from retention import Step

ROUNDS_MAX = 40
# What may be left out of a question, and what stands there then.
EMPTY = {
    "where": None,
    "breakdown": [],
    "limit": None,
    "offset": 0,
    "same": [],
    "count_by": [],
    "value": None,
    "shown": None,
}


def shrunk(question, differs) -> object:
    """The smallest that was found; `differs` asks both."""
    for _ in range(ROUNDS_MAX):
        found = next((each for each in smaller(question) if differs(each)), None)
        if found is None:
            break
        question = found
    return question


def smaller(question):
    """Each question that lacks one thing."""
    names = [field.name for field in fields(question)]
    for name in filter(EMPTY.__contains__, names):
        value = getattr(question, name)
        # An audience is its condition.
        if value and not (name == "where" and "as_of_text" in names):
            yield replace(question, **{name: EMPTY[name]})
        if name == "where" and value:
            for part in pieces(value):
                yield replace(question, where=part)
    for name in names:
        value = getattr(question, name)
        steps = value if name == "steps" and isinstance(value, list) else [value] if isinstance(value, Step) else []
        for index, step in enumerate(steps):
            if isinstance(step, Step) and step.where:
                for part in [None, *pieces(step.where)]:
                    other = Step(step.event, part)
                    yield replace(
                        question,
                        **{name: other if not isinstance(value, list) else [*value[:index], other, *value[index + 1 :]]}
                    )


def pieces(condition):
    """Conditions with one part less."""
    if isinstance(condition, Not):
        yield condition.part
        yield from (Not(each) for each in pieces(condition.part))
    if isinstance(condition, Joined):
        yield from condition.parts
        for index, part in enumerate(condition.parts):
            before, after = condition.parts[:index], condition.parts[index + 1 :]
            if len(condition.parts) > 2:
                yield Joined(condition.word, before + after)
            for each in pieces(part):
                inner = (*before, each, *after)
                yield both(*inner) if condition.word == "AND" else Joined("OR", inner)
