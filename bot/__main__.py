"""`python -m bot` is `wanggui`."""

from bot.cli import main

main()
