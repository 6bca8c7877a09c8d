"""Answers written by a language model, held to what a person may read.

bad_drafts.jsonl   good_drafts.jsonl   injections.jsonl    written by hand
drafts             the two sets of drafts as objects
talking            a chat model that says what it is told to, without HTTP
seeing             what a person reads of an answer, and whether anything in it is false; written apart from the product
realmodel          fetches and serves a small real model, for `make test-llm`
"""
