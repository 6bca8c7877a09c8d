"""The Telegram channel, the only importer of `telegram`.

in        polling webhook -> post (the inbox) -> reception, lanes, backlog -> admission -> handlers
out       handlers -> dressing (rendering, keyboards) -> Outgoing -> delivery (pacing, refusals, seeking) -> transport

application parts      joins them, and is run by polling or a webhook; what every handler is given
rawbot probing          the bot with a way past PTB's objects; how it is set up at Telegram
health metering         what /healthz and /metrics say
intake                 Message -> Question, or nothing where nobody asked
speaking limits        in which language, under which settings, to whom: the budget of a person, twins
asking waiting         questions, edited ones, and those that nobody answered
growing                an answer that a model is still writing: drafts, or a message edited now and then
navigating searching   articles, chapters, contents, exact words (textsearch); by command and by button
inline                 cards in any chat, as one types
buttons                what the buttons below an answer do; votes are counted, voters forgotten (ballots, recalling)
welcoming menus        first words, deep links; what Telegram shows of the bot
configuring reviewing  a group's own settings, and the questions it is asked to look at
statistics charts      /stats, as a picture
quizzing wishes        /quiz: questions of the bank as polls; which ones the words behind it mean
sessions conducting     /train: who may press what; posting steps, ending polls, minding the time, hearing votes
practising runs         /practice, /exam, /mistakes, in private; what rounds and exams have in common
rounds exams            a round of practice; a mock exam against the clock
practice_pages exam_pages   both as one message that turns its pages; pure
projecting             the links to the projector page, for whoever leads, in private
setting_up posters polls    the panel before a session, its steps as messages, its questions as polls; pure
personal sweeping      /privacy, /forget, and what is dropped with time

rendering              Answer -> HTML of one message; pure
keyboards callbacks    buttons, and the 64 bytes that each carries (trails); pure
"""
