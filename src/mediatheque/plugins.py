"""Everything that is plugged in. Only app.py reads this; the order of SKILLS is the pipeline."""

from mediatheque.kinds import image
from mediatheque.skills import variants
from mediatheque.stores import local
from mediatheque.surfaces import images

SURFACES = (images.SURFACE,)
STORES = (local.STORE,)
KINDS = (image.KIND,)
SKILLS = (variants.SKILL,)
