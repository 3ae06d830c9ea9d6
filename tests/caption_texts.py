"""Captions of very many kinds, drawn from a seed: plain ones as people write them, and ones in which words meet every sort of sign."""

import random
import sys

THINGS = "man woman dog cat train bus tree plate pizza table horse street kite surfboard clock tower giraffe bathroom sink laptop".split()
ACTIONS = "is sitting on|stands next to|is riding|are playing with|walks past|looking at|with|in front of|holding|wearing".split("|")
LOOKS = "a the two some red white large small wooden colourful grey old young black-and-white well-lit a couple of".split()
APOSTROPHES = "'’‘`´"
CONTRACTIONS = (
    "don#t can#t isn#t won#t ain#t I#m he#s they#re we#ve I#ll she#d dog#s dogs# y#all o#clock #tis #twas #em #til rock#n#roll ma#am "
    "O#Brien d#Artagnan l#eau c#mon ol# li#l #90s #07 children#s #n# DON#T IT#S Cap#n c#est diff#rent y#know J#ai"
).split()
ABBREVIATIONS = (
    "U.S. u.s.a. p.m. A.M. e.g. i.e. etc. Mr. mrs. St. Dr. vs. Inc. co. Ave. Blvd. ft. no. fig. Jan. Fla. Jr. Ph.D. U.S.-U.K. a. B. x.y.z "
    "lbs. approx. dept. Rd. Sgt. Mt. ca. pp. prop. pty. ltd. C.D.s Ed.D. Miss. miss. Ill. ill. a.k.a."
).split()
NUMBERS = (
    "2 10 1,000 3.5 .5 1/2 10:30 50% $5 $1,000.50 #1 2nd 1980s 10-20 -5 +3 1.2.3 555-1234 (555) 123-4567 5 1/2 1/2/2003 24/7 4x4 3D 2x 007 "
    "1999-2000 6ft 5'10 25¢ £5 €20 ¥300 ½ 2½ ¼ ⅓ ⅛ x² H₂O 10° 5,5,5 ٣ ५ 12.5.2003 555.123.4567 +49 0800 2⁄3 1000.00.00"
).split(" ")
SIGNS = (
    ". , ! ? ; : - -- --- ---- ----- ... .. .... ...... . . . … – — ― ( ) [ ] { } < > << >> / \\ * ** & % $ # @ + = == ~ ^ | _ __ ' '' \" ` `` ´ "
    "‘ ’ “ ” „ ‚ ‛ ‟ « » ‹ › • · ° § © ® ™ † ‰ ¡ ¿ ¬ ¢ £ ¤ ¥ € ₠ ² ³ ¹ ª º ← → ∀ ∞ ♥ ★ ☺ ✓ 、 。 ・ ？ ！ ，"
).split()
PIECES = (
    "state-of-the-art T-shirt t-shirt black-and-white and/or w/ AT&T R&D a&b rock&roll &amp; &AMP; AT&amp;T &lt;b&gt; &quot;hi&quot; &apos;s &nbsp; &#39; "
    "&eacute; caf&eacute;s &mdash; &hellip; <b> </b> <br/> <img src='a b'> <a href= <!-- x --> < 3 <3 :) :-) ;) :( :P :D =) ^_^ -_- (^_^) (-: "
    "cannot Cannot CANNOT gonna wanna gotta lemme gimme dunno 'tis twas whatcha c++ C# f# www.example.com http://a.b/c?d=e, https://x.org. "
    "example.com/a(b) me@home.org <me@home.org> @user #tag #2 #tag's photo.jpg a.txt, IMG_1234.JPG file_name snake_case CamelCase A+ B- "
    "colour centre grey theatre jewellery aluminium travelling -LRB- -rrb- -LSB- *NL* pro- anti- S&P-500 Yahoo! E! OK! no.1 No. 5 fig. 3 "
    "word.word end.Start a.b.c.d well...ok wait...what really?! what!? no!!! hey,you x:y 'quoted' \"quoted\" ``quoted'' (word) [word] {word} "
    "“word” ‘word’ «word» *word* _word_ ~word ^word |word| word's' O'Neil's-place re-use co-op e-mail vice-president 3-year-old 5-ft. a-1.5"
).split(" ")
SCRIPTS = (
    "café naïve Zürich Øre Straße ﬁne İstanbul ısı ΟΔΟΣ ΣΑΣ. Σ Москва ёж 東京 犬がいる。 한국어 العربية، עברית हिन्दी ไทย ქართული ᏣᎳᎩ e\u0301 A\u030a soft\u00adhyphen "
    "\u00ad ﬀ ǅ Ⅷ Ⓐ ㎏ ½cup na\u200bïve zero\u200dwidth \ufeffbom rtl\u200fmark 😀 👍🏽 👨‍👩‍👧 🇩🇪 𝒳 𐐀 http://😀.com 😀.com a@😀.de :)😀"
).split(" ")
SPACES = [" ", "  ", "\t", "\u00a0", "\u2003", "\u3000", "\u200b", "\u202f", "", "\u2009", "\n", "\x0b", "\x0c", "\r", "\u2028", "\x85", "\x00", "\x7f", "\x1f"]
BLOCKS = [(0x20, 0x7F), (0x20, 0x7F), (0x00, 0x100), (0x80, 0x250), (0x250, 0x900), (0x900, 0x2000), (0x2000, 0x2C00), (0x2C00, 0xD800)]
BLOCKS += [(0xE000, 0x10000), (0x10000, 0x20000), (0x10000, sys.maxunicode + 1)]


def captions(number, seed):
    """`number` captions; about a third are plain, a third hold a few signs, and the rest are mostly signs or any characters at all."""
    generator = random.Random(seed)
    kinds = [plain, plain, marked, marked, mixed, scattered]
    return [generator.choice(kinds)(generator) for _ in range(number)]


def plain(generator):
    """A caption as in the collections: in small letters or as a sentence, now and then with a comma, a possessive or a number."""
    words = []
    for _ in range(generator.randint(1, 3)):
        words += [generator.choice(LOOKS), generator.choice(THINGS) + generator.choice(["", "", "", "s", "'s", ","]), generator.choice(ACTIONS)]
    words.append(generator.choice(THINGS))
    caption = " ".join(words) + generator.choice(["", ".", ".", " .", "!", ". ", '."'])
    return generator.choice([str, str, str.capitalize, str.upper])(caption)


def marked(generator):
    """A plain caption with a few words exchanged for ones with signs, each written as somebody might."""
    words = plain(generator).split(" ")
    for _ in range(generator.randint(1, 3)):
        words[generator.randrange(len(words))] = piece(generator)
    return " ".join(words)


def mixed(generator):
    """Pieces and signs in any order, with any sort of space between, or none."""
    parts = [part for _ in range(generator.randint(1, 8)) for part in (piece(generator), generator.choice(SPACES[:5] * 3 + SPACES))]
    return "".join(parts)


def scattered(generator):
    """Any characters, by blocks of Unicode, so that neighbours have something to do with each other."""
    low, high = generator.choice(BLOCKS)
    some = [generator.randrange(low, high) for _ in range(generator.randint(1, 20))]
    return "".join(chr(one) for one in some if not 0xD800 <= one < 0xE000)


def piece(generator):
    kind = generator.randrange(8)
    if kind == 0:
        return generator.choice(CONTRACTIONS).replace("#", generator.choice(APOSTROPHES[:2] * 3 + APOSTROPHES))
    word = generator.choice([ABBREVIATIONS, NUMBERS, PIECES, SCRIPTS, SIGNS, THINGS, LOOKS][kind - 1])
    if generator.random() < 0.2:
        word = generator.choice([str.upper, str.capitalize, str.title, str.swapcase])(word)
    if generator.random() < 0.3:
        word += generator.choice(SIGNS)
    if generator.random() < 0.2:
        word = generator.choice(SIGNS) + word
    return word
