"""Evidence -> an answer in a model's words, of which nothing is trusted.

writer        the story: evidence -> prompt -> stream -> claims -> grounded -> Answer, or the extractive answer
prompting     the prompt files, and how material is fenced in them
chatting      what a chat model is to the house, and how it fails
models        LangChain's chat models as such; the only importer of LangChain
resilience    time-outs, retries, circuit breaker, concurrency
budgets       tokens a day, in each chat and in all
draft         what a model returns
streaming     a draft read while it is being written: each claim as soon as it is closed
claims        a claim is shown with the article's own words, or not at all
force         what governs quoted words: the article's own 不得, 应当, 鼓励
telling       the case as a model tells it: in known words, judging nothing
wording       what a sentence of a model may not hold
cache         same question, same evidence, same prompts, same model: no second call
conversation  follow-ups -> whole questions; the last turns of a chat
"""
