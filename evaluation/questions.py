"""What people might ask of the corpus' texts, and a phrase of the paragraph that answers it.

The questions were written after reading the paragraphs and before any was asked, in words that the paragraph mostly
does not use. Nothing was tuned on them: the likeness below which a hit is none comes from other sentences.
"""

SOURCES = (
    "html/mdn_bears.html",
    "html/mdn_birdwatching.html",
    "html/mdn_planets.html",
    "html/creativecommons_about.html",
    "documents/office/fully-featured.docx",
    "documents/office/harbour.pptx",
    "documents/office/quotes.xlsx",
    "documents/pdf/neddy-flyer-indesign.pdf",
    "documents/pdf/project-brief.pdf",
    "documents/pdf/factfile.pdf",
    "documents/pdf/lorem-ipsum.pdf",
    "documents/office/lorem-ipsum.docx",
    "documents/text/lorem-ipsum.txt",
)

QUESTIONS = {
    "are these animals gentle or dangerous": "Tall, lumbering, angry, dangerous",
    "sizes in which grizzlies come": "Bears come in two varieties",
    "what do animals in the forest feed on": "Wild bears eat a variety of meat",
    "rubbish bins as a source of meals in the city": "readily available urban food outlets",
    "where do city bears spend the night": "Urban bears will sleep anywhere",
    "courtship and finding a partner for life": "Bears are romantic creatures",
    "the author lost his job and used to fix pipes": "unemployed plumber from Doncaster",
    "the writer has no first-hand experience, only a newspaper": "has never seen a bear",
    "my browser cannot play the sound": "doesn't support HTML5 audio",
    "a commenter who owns animals in cages and wants to take them away": "putting them all in a truck",
    "hobby of spotting feathered creatures for newcomers": "Welcome to our fake birdwatching site",
    "stop staring at the screen and go outside": "get out into the great outdoors",
    "animal with sky-coloured feathers": "bright blue plumage",
    "how heavy is Jupiter": "Terrestrial planets",
    "which world is closest to the sun": "Terrestrial planets",
    "sharing works legally without a lawyer": "free, easy-to-use copyright licenses",
    "volunteers in many nations": "over 500 researchers, activists",
    "partners such as photo and music sites": "bandcamp",
    "a hidden secret word that was blacked out": "SUPERCALIFRAGILISTICEXPIALIDOCIOUS",
    "pictures shown wrongly because of colour transitions": "gradients do not appear at all",
    "astronomy poetry about the universe": "galaxyrise",
    "theatre evening with marionettes": "Puppet",
    "rusty screws on the jetty": "Pier seven shows corrosion",
    "price of plumbing parts": "copper valve",
    "Was fressen Bären im Wald?": "Wild bears eat a variety of meat",
    "Wo schlafen Bären in der Stadt?": "Urban bears will sleep anywhere",
    "licencias para compartir obras": "free, easy-to-use copyright licenses",
    "observar aves para principiantes": "Welcome to our fake birdwatching site",
}

SPOKEN = {
    "video/not_a_video_bear.mp3": "This isn't really an audio fact file about bears, but it is an audio file that you "
    "can transcribe.",
}
"""Recordings, and what its makers say is said in each."""
WORDLESS = ("video/frog.webm", "video/rabbit320.mp4", "video/rabbit320.webm")
"""Music and noise: every word that is heard there is false."""
