"""The wall: a page for the projector that shows a session as it runs; knows no channel and no database.

Ledgers ─ feed ─▶ scenes ─▶ Frame, encoded once ─ stream ─▶ every viewer          trainer's link ─ wall ─▶ Conductor

wall       routes behind a signed link: page, events, QR code, and the step onwards for whoever holds the trainer's
links      tokens: session, role and expiry, signed
feed       snapshots -> frames, eight a second at the most, and only those that differ
scenes     Snapshot -> scene: what the page draws, every sentence in words
stream     one viewer's server-sent events; whoever is slow skips frames, whoever is stuck is let go
page.html page.css page.js    the page: no build, nothing from elsewhere
"""
