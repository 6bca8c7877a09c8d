"""Embed the principal regulation's written questions and keep the vectors beside them.

    python -m knowledge.encoders.ship_questions

To be run whenever `questions.jsonl`, the model or the normaliser has changed; without it the index embeds them itself,
once, in some 15 seconds.
"""

from knowledge.assembly import written_questions
from knowledge.embedding import load_embedder
from knowledge.library import load_library


def main() -> None:
    """Write `questions.npz`."""
    questions = written_questions(load_library())
    if questions.shipped is None:
        raise SystemExit("the principal regulation has no folder of its own")
    questions.ship(load_embedder(), questions.shipped)
    print(f"{len(questions.exemplars)} questions -> {questions.shipped.name}")


if __name__ == "__main__":
    main()
