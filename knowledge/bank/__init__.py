"""The bank of the trainers: quiz items and case cards over one regulation.

    items       QuizItem, CaseCard, Bank                    reading    JSON lines <-> Bank; all errors at once
    checking    what is wrong with a bank, item by item

It ships as `quiz.jsonl` and `cases.jsonl` beside the regulation's text; what trainers add lies in the data folder.
"""
