"""What is kept, and for how long; the only importer of SQLAlchemy.

database     opens, migrates, flushes, sweeps, erases; joins the stores
inbox        updates, from their arrival until they are answered; divided among replicas (listening)
chats        a group's settings, and what has been said to it once and for all
usage        counts by day: never words, never persons
review       unanswered and disputed questions without names, and what administrators made of them
replies      which message of ours answers which of theirs: ids only, for two days
passages     a question carried into the private chat, sealed with the link that carries it, for a day
turns        a person's last questions in a place, for half an hour, where the settings ask for it
training     sessions: what happened, their polls, and who agreed to be named
practice     what a person practises in private: how each question stands, the round or exam they are at
additions    aliases and written questions that administrators have added -> files that the knowledge base reads
backup       everything but the inbox as one file, and back, from either kind of database to either
tables sql   the tables; connections and how their errors are told
transacting  whole transactions as plain functions, on SQLite in a thread of their own
behind       writes kept in memory and written together, about once a second and at close
migrations   Alembic's, run when the database is opened
"""
