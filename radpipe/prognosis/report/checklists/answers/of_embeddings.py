"""Answers about what an encoder was shown, and how it was fitted."""

from __future__ import annotations

from typing import Any

from radpipe.prognosis.report.checklists.answers.base import Answer, entering
from radpipe.prognosis.report.checklists.known import Known
from radpipe.prognosis.report.encoder import (
    embedding_of,
    encoder_in_words,
    learner_in_words,
    patch_in_words,
)
from radpipe.prognosis.report.words import sentences

EMBEDDINGS: dict[str, Answer] = {}
answer = entering(EMBEDDINGS)


@answer
def encoder(known: Known) -> str | None:
    """Which, how fitted, what learns from it."""
    told = _told(known)
    if not told:
        return None
    learner = learner_in_words(told)
    return sentences(
        [f"Embedding: {encoder_in_words(told)}.", f"It becomes {learner}." if learner else None]
    )


@answer
def patch(known: Known) -> str | None:
    """What it was shown."""
    told = _told(known)
    shown = patch_in_words(told) if told else ""
    return f"The encoder was shown patches of {shown}." if shown else None


@answer
def deep_learning(known: Known) -> str | None:
    """No model is one network."""
    if _told(known):
        return "Does not apply: a network gives an embedding, and a model of tables takes it."
    return "Does not apply: the models take tables of features."


def _told(known: Known) -> dict[str, Any]:
    return embedding_of(known.metrics) or {}
