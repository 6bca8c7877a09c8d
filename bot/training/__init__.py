"""Trainings: quizzes and sessions in front of a room, scored from what happened; knows no channel and no database.

commands ─ session.decide ─▶ events ─ session.apply ─▶ SessionState ─┬ showing.show ───────▶ Snapshot (wall, board)
             ▲                 │ kept in order by a Log               └ results.results_of ─▶ Results (papers)
             └──── ledgers ────┘ (bot.storage.training)

model      what a session is made of: plan, events, state, snapshot, results
session    commands -> events, or a refusal with the key of a sentence; events -> state. Pure: a replay is the session
practice   what somebody got wrong comes back, by FSRS; a round of practice
exam       a mock exam by blueprint: drawn, sat, scored
choosing   which items and cases of the bank a plan takes
scoring    who is right, who was first, what a team has: from votes, pure
showing    state -> Snapshot; the one place where names of those who agreed are put beside their points
results    state -> Results
records    plans and events <-> JSON
ledgers    the running sessions of this process: one writer a session, many readers, replayed from the log
changes    tells who waits that a session has changed
"""
