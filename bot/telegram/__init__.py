"""The Telegram channel, the only importer of `telegram`.

intake        Update -> Question, or nothing where nobody asked
rendering     Answer -> HTML of at most so many UTF-16 units; pure
delivery      HTML -> a reply in the same chat and topic
handlers      thin: intake, await, render, deliver
application   joins them to python-telegram-bot, and polls
"""
