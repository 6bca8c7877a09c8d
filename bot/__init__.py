"""网规助手: the bot around the knowledge.

cli         commands a person types            answering   question -> grounded answer
bootstrap   the only place that joins parts    telegram    the Telegram channel
settings    the only reader of the environment terminal    the terminal channel
training    sessions, practice, exams, papers  web         the projector page
storage     what is kept, and for how long     serving     the one HTTP server
"""
