"""Captions of many kinds, drawn from a seed: plain ones, and ones in which words meet every sort of sign."""

# ruff: noqa: RUF001 (signs that look like others are what these captions are for)

import random
import sys

THINGS = (
    "man woman dog cat train bus tree plate pizza table horse street kite surfboard clock tower giraffe bathroom "
    "sink laptop"
)
ACTIONS = (
    "is sitting on|stands next to|is riding|are playing with|walks past|looking at|with|in front of|holding|wearing"
)
LOOKS = "a the two some red white large small wooden colourful grey old young black-and-white well-lit a couple of"
APOSTROPHES = "'’‘`´"
CONTRACTIONS = (
    "don#t can#t isn#t won#t ain#t I#m he#s they#re we#ve I#ll she#d dog#s dogs# y#all o#clock #tis #twas #em #til "
    "rock#n#roll ma#am O#Brien d#Artagnan l#eau c#mon ol# li#l #90s #07 children#s #n# DON#T IT#S Cap#n c#est "
    "diff#rent y#know J#ai"
)
ABBREVIATIONS = (
    "U.S. u.s.a. p.m. A.M. e.g. i.e. etc. Mr. mrs. St. Dr. vs. Inc. co. Ave. Blvd. ft. no. fig. Jan. Fla. Jr. Ph.D. "
    "U.S.-U.K. a. B. x.y.z lbs. approx. dept. Rd. Sgt. Mt. ca. pp. prop. pty. ltd. C.D.s Ed.D. Miss. miss. Ill. ill. "
    "a.k.a."
)
NUMBERS = (
    "2 10 1,000 3.5 .5 1/2 10:30 50% $5 $1,000.50 #1 2nd 1980s 10-20 -5 +3 1.2.3 555-1234 (555) 123-4567 5 1/2 "
    "1/2/2003 24/7 4x4 3D 2x 007 1999-2000 6ft 5'10 25¢ £5 €20 ¥300 ½ 2½ ¼ ⅓ ⅛ x² H₂O 10° 5,5,5 ٣ ५ 12.5.2003 "
    "555.123.4567 +49 0800 2⁄3 1000.00.00"
)
SIGNS = (
    ". , ! ? ; : - -- --- ---- ----- ... .. .... ...... . . . … – — ― ( ) [ ] { } < > << >> / \\ * ** & % $ # @ + = "
    "== ~ ^ | _ __ ' '' \" ` `` ´ ‘ ’ “ ” „ ‚ ‛ ‟ « » ‹ › • · ° § © ® ™ † ‰ ¡ ¿ ¬ ¢ £ ¤ ¥ € ₠ ² ³ ¹ ª º ← → ∀ ∞ ♥ ★ "
    "☺ ✓ 、 。 ・ ？ ！ ，"
)
PIECES = (
    "state-of-the-art T-shirt t-shirt black-and-white and/or w/ AT&T R&D a&b rock&roll &amp; &AMP; AT&amp;T "
    "&lt;b&gt; &quot;hi&quot; &apos;s &nbsp; &#39; &eacute; caf&eacute;s &mdash; &hellip; <b> </b> <br/> <img src='a "
    "b'> <a href= <!-- x --> < 3 <3 :) :-) ;) :( :P :D =) ^_^ -_- (^_^) (-: cannot Cannot CANNOT gonna wanna gotta "
    "lemme gimme dunno 'tis twas whatcha c++ C# f# www.example.com http://a.b/c?d=e, https://x.org. example.com/a(b) "
    "me@home.org <me@home.org> @user #tag #2 #tag's photo.jpg a.txt, IMG_1234.JPG file_name snake_case CamelCase A+ "
    "B- colour centre grey theatre jewellery aluminium travelling -LRB- -rrb- -LSB- *NL* pro- anti- S&P-500 Yahoo! "
    "E! OK! no.1 No. 5 fig. 3 word.word end.Start a.b.c.d well...ok wait...what really?! what!? no!!! hey,you x:y "
    "'quoted' \"quoted\" ``quoted'' (word) [word] {word} “word” ‘word’ «word» *word* _word_ ~word ^word |word| "
    "word's' O'Neil's-place re-use co-op e-mail vice-president 3-year-old 5-ft. a-1.5"
)
SCRIPTS = (
    "café naïve Zürich Øre Straße ﬁne İstanbul ısı ΟΔΟΣ ΣΑΣ. Σ Москва ёж 東京 犬がいる。 한국어 العربية، עברית हिन्दी "
    "ไทย ქართული ᏣᎳᎩ e\u0301 A\u030a soft\u00adhyphen \u00ad ﬀ ǅ Ⅷ Ⓐ ㎏ ½cup na\u200bïve zero\u200dwidth \ufeffbom "
    "rtl\u200fmark 😀 👍🏽 👨\u200d👩\u200d👧 🇩🇪 𝒳 𐐀 http://😀.com 😀.com a@😀.de :)😀"
)
SPACES = " |  |\t|\u00a0|\u2003||\u3000|\u200b|\u202f|\u2009|\n|\x0b|\x0c|\r|\u2028|\x85|\x00|\x7f|\x1f"
BOUNDS = (0x20, 0x7F, 0x100, 0x250, 0x900, 0x2000, 0x2C00, 0xD800, 0xE000, 0x10000, 0x20000, sys.maxunicode + 1)


def captions(number, seed):
    """`number` captions; a third plain, a third with a few signs, and others of signs or of any characters at all."""
    generator = random.Random(seed)
    kinds = [plain, plain, marked, marked, mixed, scattered]
    return [generator.choice(kinds)(generator) for _ in range(number)]


def plain(generator):
    """A caption as in the collections: in small letters or as a sentence, now and then with a comma or a possessive."""
    words = []
    for _ in range(generator.randint(1, 3)):
        thing = one_of(generator, THINGS) + generator.choice(["", "", "", "s", "'s", ","])
        words += [one_of(generator, LOOKS), thing, one_of(generator, ACTIONS, "|")]
    caption = " ".join([*words, one_of(generator, THINGS)]) + generator.choice(["", ".", ".", " .", "!", ". ", '."'])
    return generator.choice([str, str, str.capitalize, str.upper])(caption)


def marked(generator):
    """A plain caption with a few words exchanged for ones with signs."""
    words = plain(generator).split(" ")
    for _ in range(generator.randint(1, 3)):
        words[generator.randrange(len(words))] = piece(generator)
    return " ".join(words)


def mixed(generator):
    """Pieces and signs in any order, with any sort of space between, or none."""
    caption = ""
    for _ in range(generator.randint(1, 8)):
        space = " " if generator.random() < 0.5 else one_of(generator, SPACES, "|")
        caption += piece(generator) + space
    return caption


def scattered(generator):
    """Any characters of one stretch of Unicode, so that neighbours have something to do with each other."""
    stretch = generator.randrange(len(BOUNDS) - 1)
    some = [generator.randrange(*BOUNDS[stretch : stretch + 2]) for _ in range(generator.randint(1, 20))]
    return "".join(chr(one) for one in some if not 0xD800 <= one < 0xE000)


def piece(generator):
    """A word with signs in it or about it, in some case."""
    kind = generator.choice([CONTRACTIONS, ABBREVIATIONS, NUMBERS, PIECES, SCRIPTS, SIGNS, THINGS, LOOKS])
    word = one_of(generator, kind)
    if kind is CONTRACTIONS:
        word = word.replace("#", generator.choice("''" + APOSTROPHES))
    if generator.random() < 0.2:
        word = generator.choice([str.upper, str.capitalize, str.title, str.swapcase])(word)
    if generator.random() < 0.3:
        word += one_of(generator, SIGNS)
    return one_of(generator, SIGNS) + word if generator.random() < 0.2 else word


def one_of(generator, some, between=" "):
    return generator.choice(some.split(between))
