"""What the official VQA evaluation changes in answers: marks, numbers, articles and contractions.

The tables are facts of the evaluation tool of the VQA data sets (GT-Vision-Lab/VQA, vqaEval.py, after the rules on
visualqa.org), with all that is odd in them: a score is comparable only where they are the same. The EvalAI variant has
the same tables (reference-facts, 7.3).
"""

PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
"""Taken out, or turned into a space: see `vlm.evaluate.metrics.vqa`. Colons, apostrophes, `&`, `%`, `$`, `#` and `*`
are not among them, and full stops have a rule of their own."""

_TO_TEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBERS = {"none": "0"} | {word: str(number) for number, word in enumerate(_TO_TEN)}
"""Words that become digits. That `none` is 0 costs whoever answers it as a word, and is so in the tool."""

ARTICLES = frozenset({"a", "an", "the"})

_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've
he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've
o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're
there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've
when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""


def _lacking_an_apostrophe(word: str) -> list[str]:
    """The word without its first apostrophe, without its second, and so on."""
    return [word[:place] + word[place + 1 :] for place, letter in enumerate(word) if letter == "'"]


CONTRACTIONS = {short: word for word in _CONTRACTED.split() for short in _lacking_an_apostrophe(word)} | {
    "somebody'd": "somebodyd"
}
"""Words that lack one apostrophe, and what they become. In the tool's table one entry is the wrong way round, and is
so here. Left out are its six that cannot change a word: `let's` and `she's`, which become themselves, and four that
begin with a capital I, which no word has when it is looked up. So `im`, `lets`, `shes` and `shed` stay as they are."""
