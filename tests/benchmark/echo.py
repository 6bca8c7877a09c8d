"""The other side of the Telegram benchmark: a bare python-telegram-bot echo, as its examples write it."""

import sys

from telegram import Update
from telegram.ext import ApplicationBuilder, ContextTypes, MessageHandler, filters


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Say the same again."""
    message = update.effective_message
    if message and message.text:
        await message.reply_text(message.text, do_quote=True)


def main() -> None:
    """Poll the server named on the command line, with the token beside it."""
    root, token = sys.argv[1:3]
    application = ApplicationBuilder().token(token).base_url(f"{root}/bot").concurrent_updates(256).build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.run_polling()


if __name__ == "__main__":
    main()
