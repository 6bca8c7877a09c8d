"""Question -> answer, knowing neither chat nor markup.

service     the story: make the question whole, find what the text says, let a model word it
finding     route, retrieve, compose, ground; apart: the same in a process of its own; remembering: not twice
model       Answer, Citation and what they may say of themselves
asking      what a question asks besides its subject: consequences, who is meant, a way round
composing   evidence or a look-up -> Answer, in the reader's language
boundaries  where a model is never asked; persons, instructing: people named in a text, words meant for a model
generation  what a model makes of the evidence, and what of that is shown
grounding   nothing leaves that does not stand verbatim in its article
arranging   in what order a channel shows claims and citations
plain       an Answer as plain text and as JSON
"""
