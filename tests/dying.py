"""`python -m tests.dying [never]`: a process for `bot.answering.apart` that finds what is asked; dies of 死."""

import os
import sys
import time
from collections.abc import Iterator, Sequence

from bot.answering.apart import find_for, tell
from bot.answering.finding import Finder, Finding
from prompts import Language
from tests.factories import make_answer


class Dying(Finder):
    def __init__(self) -> None:
        pass

    def find_all(self, asked: Sequence[tuple[str, Language]]) -> Iterator[Finding]:
        questions = [question for question, _ in asked]
        if "毒" in questions:
            os._exit(9)
        while "瘫" in questions:
            time.sleep(1)
        yield from (self.find(question, language) for question, language in asked)

    def find(self, question: str, language: Language) -> Finding:
        if question == "死":
            os._exit(9)
        if question == "慢":
            time.sleep(0.3)
        while question == "挂":
            time.sleep(1)
        if question == "乱":
            os.write(1, b"\x00\x00\x00\x03???")
        return Finding(make_answer(question=question, lead=question), wordable=False)


if __name__ == "__main__":
    if sys.argv[1:]:
        tell(sys.stdout.buffer, "no room for it")
    else:
        find_for(Dying(), sys.stdin.buffer, sys.stdout.buffer)
