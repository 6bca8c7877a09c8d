"""The story of an answer in a model's words: evidence -> prompt -> stream -> claims -> grounded -> Answer.

Whatever goes wrong on the way ends in the extractive answer that was there before the model was asked, in time.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from bot.answering.composing import with_claims
from bot.answering.generation.budgets import Budget
from bot.answering.generation.cache import DraftCache, key_of
from bot.answering.generation.chatting import ChatModel, ModelError, Prompt, Unreadable
from bot.answering.generation.claims import Context, Dropped, ground, ground_open
from bot.answering.generation.conversation import Turn, faithful
from bot.answering.generation.draft import MAX_CLAIMS, Draft, DraftClaim
from bot.answering.generation.prompting import answer_prompt, repair_prompt, rewrite_prompt, secrets_of
from bot.answering.generation.resilience import Guarded, before
from bot.answering.generation.streaming import ClaimParser
from bot.answering.model import Answer, Claim
from knowledge.normalising import normalise
from prompts import Instructions, Language

MAX_EVIDENCE: Final = 5
_REWRITE_S: Final = 4.0
_ENDS: Final = " \t?？。.!！~～…，,"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Brief:
    """What a model may be asked: a question with its extractive answer, whose citations are the evidence.

    `chat` is whose budget pays; it goes nowhere else.
    """

    question: str
    extractive: Answer
    chat: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What of a draft may be shown so far; `final` once nothing more will come."""

    claims: tuple[Claim, ...]
    open: tuple[str, ...] = ()
    final: bool = False


class Writer:
    """Writes answers with a chat model; `counts` tells how often what happened, for metrics."""

    def __init__(
        self,
        model: ChatModel,
        instructions: Mapping[Language, Instructions],
        *,
        timeout_s: float = 20.0,
        budget: Budget | None = None,
        cache: DraftCache[Verdict] | None = None,
    ) -> None:
        self._model, self._instructions, self._timeout_s = model, instructions, timeout_s
        self._budget = budget or Budget()
        self.cache = cache or DraftCache()
        self.counts: Counter[str] = Counter()
        self._secrets = {language: secrets_of(told) for language, told in instructions.items()}

    @property
    def rests(self) -> bool:
        """Whether the model has failed too often of late and is left alone."""
        return isinstance(self._model, Guarded) and self._model.breaker.is_open

    async def aclose(self) -> None:
        """Let go of the model's connections."""
        await self._model.aclose()

    async def write(self, brief: Brief) -> AsyncGenerator[Answer]:
        """Partial answers whose every claim is grounded, then the last one: with claims, or the extractive answer.

        Never raises for what a model does, and ends no later than the whole time.
        """
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        version = self._instructions[brief.extractive.language].version
        verdict = None
        steps = self.cache.follow(self._key(brief), lambda: self._draft(brief, deadline), keeps=lambda last: last.final)
        try:
            async with aclosing(steps):
                while (verdict := await before(deadline, anext(steps, None))) is not None:
                    answer = with_claims(brief.extractive, verdict.claims, verdict.open)
                    if verdict.final:
                        break
                    yield replace(answer, partial=True)
        except ModelError as exc:
            verdict = None
            self.counts[f"fallback.{exc.kind}"] += 1
            log.info("extractive answer: %s (model %s, prompts %s)", exc.kind, self._model.name, version)
        except Exception:
            verdict = None
            self.counts["fallback.failed"] += 1
            log.exception("a draft could not be written (model %s, prompts %s)", self._model.name, version)
        if verdict is None:
            yield brief.extractive
            return
        self.counts["generative"] += 1
        log.info("generative answer: %d claims (model %s, prompts %s)", len(verdict.claims), self._model.name, version)
        yield answer

    async def rewrite(self, question: str, turns: Sequence[Turn], language: Language, chat: str = "") -> str | None:
        """A follow-up as a whole question, in words of the conversation; None where the model fails at it."""
        prompt = rewrite_prompt(self._instructions[language], question, [turn.question for turn in turns])
        deadline = asyncio.get_running_loop().time() + min(_REWRITE_S, self._timeout_s / 4)
        pieces: list[str] = []
        try:
            self._budget.check(chat)
            async with aclosing(self._listen(prompt, chat, structured=False)) as told:
                while (piece := await before(deadline, anext(told, None))) is not None:
                    pieces.append(piece)
        except ModelError as exc:
            self.counts[f"rewrite.{exc.kind}"] += 1
            return None
        whole = "".join(pieces).rpartition("</think>")[2].strip().strip("“”\"'")
        accepted = faithful(whole, question, turns, language)
        self.counts["rewrite.accepted" if accepted else "rewrite.refused"] += 1
        return whole if accepted else None

    def _key(self, brief: Brief) -> str:
        """Normalised question, evidence, prompts, model: nothing of who asks."""
        language = brief.extractive.language
        evidence = [f"{c.regulation_id}#{c.article}\0{c.text}" for c in brief.extractive.citations[:MAX_EVIDENCE]]
        question = normalise(brief.question).strip(_ENDS)
        return key_of(self._model.name, self._instructions[language].version, language, question, *evidence)

    async def _draft(self, brief: Brief, deadline: float) -> AsyncGenerator[Verdict]:
        """What may be shown, growing; the last is final.

        Raises:
            ModelError: the model failed, or nothing of what it wrote could be grounded.
        """
        language = brief.extractive.language
        instructions = self._instructions[language]
        evidence = brief.extractive.citations[:MAX_EVIDENCE]
        context = Context.of(brief.question, language, evidence, self._secrets[language])
        self._budget.check(brief.chat)
        desk = _Desk(context, self.counts)
        prompt = answer_prompt(instructions, brief.question, evidence)
        try:
            async with aclosing(self._read(prompt, brief.chat, desk)) as verdicts:
                async for verdict in verdicts:
                    yield verdict
        except Unreadable:
            desk.unreadable = True
        if (desk.dropped or desk.unreadable) and asyncio.get_running_loop().time() < deadline - self._timeout_s / 2:
            self.counts["repairs"] += 1
            prompt = repair_prompt(instructions, brief.question, evidence, desk.dropped)
            try:
                self._budget.check(brief.chat)
                async with aclosing(self._read(prompt, brief.chat, desk)) as verdicts:
                    async for verdict in verdicts:
                        yield verdict
                desk.unreadable = False
            except ModelError:
                if desk.unreadable:
                    raise
        if desk.unreadable or not desk.claims:
            raise Unreadable("no claim could be grounded")
        yield Verdict(tuple(desk.claims), tuple(desk.open), final=True)

    async def _read(self, prompt: Prompt, chat: str, desk: "_Desk") -> AsyncGenerator[Verdict]:
        parser = ClaimParser()
        async with aclosing(self._listen(prompt, chat, structured=True)) as pieces:
            async for piece in pieces:
                for claim in parser.feed(piece):
                    if desk.take(claim):
                        yield Verdict(tuple(desk.claims))
        desk.close(parser.finish())

    async def _listen(self, prompt: Prompt, chat: str, *, structured: bool) -> AsyncGenerator[str]:
        """The response's text; counts its tokens, or as many as it has characters where the endpoint counts none."""
        heard, used = len(prompt.system) + len(prompt.user), None
        self.counts["calls"] += 1
        try:
            async with aclosing(self._model.stream(prompt, structured=structured)) as chunks:
                async for chunk in chunks:
                    heard += len(chunk.text)
                    used = chunk.tokens if chunk.tokens is not None else used
                    yield chunk.text
        finally:
            tokens = used if used is not None else heard
            self.counts["tokens"] += tokens
            self._budget.spend(chat, tokens)


class _Desk:
    """Where claims are checked one by one: those that stood, and those that are lost so far."""

    def __init__(self, context: Context, counts: Counter[str]) -> None:
        self._context, self._counts = context, counts
        self.claims: list[Claim] = []
        self.dropped: list[Dropped] = []
        self.open: list[str] = []
        self.unreadable = False

    def take(self, claim: DraftClaim) -> bool:
        """Whether the claim stands and is a new one."""
        self._counts["claims"] += 1
        grounded = ground(claim, self._context)
        if isinstance(grounded, Dropped):
            self._counts[f"dropped.{grounded.fault}"] += 1
            self.dropped.append(grounded)
            return False
        if len(self.claims) == MAX_CLAIMS or any(grounded.text == other.text for other in self.claims):
            return False
        self.claims.append(grounded)
        return True

    def close(self, draft: Draft) -> None:
        """Take what the draft says is left open, as far as it may be shown."""
        for phrase in draft.open:
            shown = ground_open(phrase, self._context)
            if shown and shown not in self.open and len(self.open) < 2:
                self.open.append(shown)
