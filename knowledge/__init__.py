"""What the regulation says, and how it is found.

    reading      a file -> Regulation                     model       Regulation, Chapter, Article, Clause
    library      the regulations at hand                  repair      stray spaces and half-width marks, never a word
    embedding    text -> unit vector                      normalising one form for every query and indexed text
    index        vectors in Chroma, BM25 beside them      lexical     BM25 over characters
    routing      第十四条, 一共几条: no search needed     lexicon     everyday words -> the regulation's words
    measuring    all that is known of a query             exemplars   written questions and how near a query is to them
    ranking      learned fusion, confidence               scope       is it the kind of question that is answered?
    retrieval    question -> ranked Evidence              highlighting which words decide
    naming       which regulation a question names        assembly    joins the parts into one knowledge base
    vectors      nothing is embedded twice                corpora     any other corpus, opened for an evaluation
    citing       which law cites which                    fusion      a few features rank such a corpus
    evaluation   a BEIR folder -> figures                 tuning      fits the weights (fusion_tuning: the few)
    bank/        the trainers' quiz items and cases, each tied to its articles

Nothing here has heard of a bot.
"""
