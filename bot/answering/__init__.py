"""Question -> answer, knowing neither chat nor markup.

service     the story: route, retrieve, compose, ground
model       Answer, Citation and what they may say of themselves
asking      what a question asks besides its subject: consequences, who is meant, a way round
composing   evidence or a look-up -> Answer, in the reader's language
grounding   nothing leaves that does not stand verbatim in its article
plain       an Answer as plain text and as JSON
"""
