"""One page as a picture, looked at by eye once and compared since. `python -m tests.unit.bot.papers.test_golden` makes
it anew: look at it before it is kept.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image

from bot.training.papers.handout import handout
from bot.training.papers.pdf import write_pdf
from knowledge.library import load_library
from prompts import load_replies
from tests.printing import CHINA, make_results

GOLDEN = Path(__file__).with_name("golden.png")
SCALE = 1.2
FAR = 60
"""Of 255: how far a dot may be off, since versions of the renderer smooth edges differently."""


def rendering() -> Image.Image:
    """The first page of a handout, in grey."""
    say = load_replies()["zh"]
    results = make_results(teams=("红队", "蓝队"), people=("张伟",))
    pdf = pypdfium2.PdfDocument(write_pdf(handout(results, load_library().principal, say, CHINA), say))
    page: Image.Image = pdf[0].render(scale=SCALE).to_pil()
    return page.convert("L")


def test_a_page_looks_as_it_did() -> None:
    with Image.open(GOLDEN) as kept:
        before: NDArray[Any] = np.asarray(kept, dtype=np.int16)
    now: NDArray[Any] = np.asarray(rendering(), dtype=np.int16)
    assert now.shape == before.shape
    assert (np.abs(now - before) > FAR).mean() < 0.002
    assert (now < 128).mean() > 0.01


if __name__ == "__main__":
    rendering().save(GOLDEN, optimize=True)
