"""A chat model that says what it is told to, and a writer over it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from bot.answering.generation.chatting import Chunk, Prompt
from bot.answering.generation.writer import Brief, Writer
from bot.answering.model import Answer, Citation
from prompts import Language, load_instructions, load_replies
from tests.factories import make_answer

Say = Callable[[Prompt], str]


class ScriptedModel:
    """Says its `texts` one after the other, then the last again; `prompts` records what it was asked."""

    def __init__(self, *texts: str | Say, piece: int = 7) -> None:
        self.name = "scripted:model"
        self.prompts: list[Prompt] = []
        self.texts: tuple[str | Say, ...] = texts
        self._piece = piece

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        said = self.texts[min(len(self.prompts), len(self.texts) - 1)]
        self.prompts.append(prompt)
        text = said(prompt) if callable(said) else said
        for start in range(0, len(text), self._piece):
            yield Chunk(text[start : start + self._piece])

    async def aclose(self) -> None:
        pass


def extractive(question: str, evidence: Sequence[Citation], language: Language = "zh") -> Answer:
    """The answer that there is before a model is asked."""
    lead = load_replies()[language]("answer.lead_plain", label=evidence[0].label, place="")
    return make_answer(*evidence, question=question, language=language, lead=lead)


def written(
    model: ScriptedModel, question: str, evidence: Sequence[Citation], language: Language = "zh"
) -> list[Answer]:
    """Every answer that a person is shown while the model speaks, the last one last."""

    async def collect() -> list[Answer]:
        brief = Brief(question, extractive(question, evidence, language))
        return [answer async for answer in Writer(model, load_instructions()).write(brief)]

    return asyncio.run(collect())
