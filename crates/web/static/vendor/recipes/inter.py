# Makes inter.woff2 smaller: the weights and features that the pages use, every character of the original.
#
#   pip install fonttools==4.60.1 brotli; python3 inter.py ORIGINAL.woff2 inter.woff2

import io
import sys

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

original, smaller = sys.argv[1:]
lighter = io.BytesIO()
instancer.instantiateVariableFont(TTFont(original), {"wght": (400, 650)}).save(lighter)
# Read again: glyphs without outlines have no variations once they are written.
font = TTFont(lighter)
options = subset.Options(
    layout_features=["kern", "ccmp", "locl", "tnum", "cv05", "ss03"], hinting=False, flavor="woff2"
)
subsetter = subset.Subsetter(options)
subsetter.populate(unicodes=font.getBestCmap())
subsetter.subset(font)
font.flavor = "woff2"
font.save(smaller)
