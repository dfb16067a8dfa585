"""Pages that are made by a seed: a few lines in other sizes, colours and states of decay, and what they say."""

import io
import random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from evaluation.labels import WORDS

WIDTH, HEIGHT = 1200, 800


def page(seed: int) -> tuple[bytes, str]:
    """A JPEG, and its text with one space between words."""
    choice = random.Random(seed)
    size = choice.randrange(24, 56)
    lines = [" ".join(choice.choices(WORDS, k=choice.randrange(2, 6))) for _ in range(choice.randrange(2, 7))]
    paper, ink = choice.choice([((250, 248, 240), (20, 20, 30)), ((30, 34, 48), (230, 230, 235)),
                                ((190, 200, 170), (60, 30, 30)), ((255, 255, 255), (110, 110, 110))])  # fmt: skip
    image = Image.new("RGB", (WIDTH, HEIGHT), paper)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    lines = [line for line in lines if draw.textlength(line, font) < WIDTH - 120]
    for number, line in enumerate(lines):
        draw.text((60, 60 + number * size * 1.7), line, ink, font)
    worn = image.rotate(choice.uniform(-3, 3), Image.Resampling.BICUBIC, fillcolor=paper)
    worn = worn.filter(ImageFilter.GaussianBlur(choice.uniform(0, 1.2)))
    file = io.BytesIO()
    worn.save(file, "JPEG", quality=choice.randrange(35, 90))
    return file.getvalue(), " ".join(lines)
