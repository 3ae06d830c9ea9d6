"""What the patterns of `rules` are made of: kinds of characters, words and abbreviations, each under a name.

The notation is that of `automaton`; where the facts come from, `rules` says.
"""

import unicodedata

from vlm.evaluate.metrics.tokenizer.automaton import CharacterSet


def characters(ranges: str) -> frozenset[str]:
    """The characters of ranges such as "0528-052f 0560"."""
    pairs = (part.partition("-") for part in ranges.split())
    return frozenset(chr(n) for low, _, high in pairs for n in range(int(low, 16), int(high or low, 16) + 1))


AFTER_UNICODE_6 = characters(
    "037f 0528-052f 0560 0588 05ef 0860-086a 0870-0887 0889-088e 08a1 08ad-08c9 0978 0980 09fc 0af9 0c34 0c5a "
    "0c5d 0c80 0cdd 0d04 0d54-0d56 0d5f 0de6-0def 0e86 0e89 0e8c 0e8e-0e93 0e98 0ea0 0ea8-0ea9 0eac 13f5 "
    "13f8-13fd 16f1-16f8 170d 171f 1878 191d-191e 19b0-19c0 19c8-19c9 1b4c 1c80-1c8a 1c90-1cba 1cbd-1cbf "
    "1cf2-1cf3 1cfa 2c2f 2c5f 312e-312f 31bb-31bf 4db6-4dbf 9fcd-9fff a698-a69d a78f a794-a79f a7ab-a7dc "
    "a7f1-a7f7 a8fd-a8fe a9e0-a9e4 a9e6-a9f9 a9fa-a9fe aa7e-aa7f ab30-ab69 ab70-abbf"
)
"""Letters and digits that Unicode has taken in since."""
LETTER_LIKE = characters(
    "00ad 02c2-02c5 02d2-02df 02e5-02eb 02ed 02ef-036f 0375 0378-0379 0384-0385 03f6 0483-0487 055a-055f "
    "0591-05bd 05bf 05c1-05c2 05c4-05c5 05c7 0615-061a 064b-065e 0670 06d6-06e4 06e7-06ed 06fd-06fe 070f 0711 "
    "0730-074c 07a6-07b0 07eb-07f3 0900-0903 093c 093e-094e 0951-0955 0962-0963 0981-0983 09bc 09be-09c4 "
    "09c7-09c8 09cb-09cd 09d7 09e2-09e3 0a01-0a03 0a3c 0a3e-0a4f 0a81-0a83 0abc 0abe-0acf 0b82 0bbe-0bc2 "
    "0bc6-0bc8 0bca-0bcd 0c01-0c03 0c3e-0c56 0d3e-0d44 0d46-0d48 0e31 0e34-0e3a 0e47-0e4e 0eb1 0eb4-0ebc "
    "0ec8-0ecd"
)
"""Marks, and a few signs, that words are made of as of letters."""
WERE_LETTERS = characters("1885-1886")
CHEROKEE_WITHOUT_CASE = characters("13a0-13f4")
"""Capitals only since there are small ones."""


def is_letter(character: str) -> bool:
    if character in AFTER_UNICODE_6:
        return False
    return unicodedata.category(character)[0] == "L" or character in WERE_LETTERS


def is_digit(character: str) -> bool:
    return unicodedata.category(character) == "Nd" and character not in AFTER_UNICODE_6


def is_in_word(character: str) -> bool:
    return is_letter(character) or character in LETTER_LIKE


def is_capital(character: str) -> bool:
    return character.isupper() and character not in AFTER_UNICODE_6 | CHEROKEE_WITHOUT_CASE


NAMED: dict[str, str | CharacterSet] = {
    "alpha": is_letter,
    "digit": is_digit,
    "capital": is_capital,
    "in-word": is_in_word,
    "alnum": "({alpha}|{digit})",
    "letter": "({in-word}|&[aeiouAEIOU](acute|grave|uml);)",
    "word": r"{letter}({letter}|{digit})*([.!?]{letter}({letter}|{digit})*)*",
    "space": r"[ \u0009\u00a0\u2000-\u200a\u3000]",
    "newline": r"\u000d?\u000a|[\u000d\u2028\u2029\u000b\u000c\u0085]",
    "blank": "({space}|{newline})",
    "pause": r"[,;:\u3001]",
    # Apostrophes: '92' is one in Windows' character set. The second set has what people type in their place.
    "apostrophe": r"(['\u0092\u2019]|&apos;)",
    "tick": r"({apostrophe}|[`\u0091\u2018\u201b])",
    "clitic": "{apostrophe}([msdMSD]|re|ve|ll)",
    "not": "n{tick}t",
    "before-not": r"[A-Za-z\u00ad]*[A-MO-Za-mo-z]\u00ad*",
    "number": r"{digit}+|{digit}*([.:,\u00ad\u066b\u066c]{digit}+)+",
    "fraction": r"({digit}{1,4}[\- \u00a0])?{digit}{1,4}(\\?/|\u2044){digit}{1,4}",
    "hyphened": r"([dDoOlL]{tick}{alnum})?{alnum}+([\-_\u058a\u2010\u2011]([dDoOlL]{tick}{alnum})?{alnum}+)*",
    "hyphened-figures": r"[A-Za-z0-9][A-Za-z0-9.,\u00ad]*(-([A-Za-z0-9\u00ad]+|({initials})\.))+",
    "slashed": r"[A-Za-z0-9]+(-[A-Za-z]+){0,2}(\\?/[A-Za-z0-9]+(-[A-Za-z]+){0,2}){1,2}",
    "joined-capitals": r"[A-Z]+(([+&]|&amp;)[A-Z]+)+",
    "telephone": r"(\([0-9]{2,3}\)[ \u00a0]?|(\+\+?)?([0-9]{2,4}[\- \u00a0])?[0-9]{2,4}[\- \u00a0])"
    r"[0-9]{3,4}[\- \u00a0]?[0-9]{3,5}|((\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5}",
    # Markup, addresses, files.
    "name": r"[A-Za-z][A-Za-z0-9_:.\-]*",
    "tag": r"<([!?][A-Za-z\-][^>\u000d\u000a]*|{name}( +({name}|{name} *= *('[^']*'|\"[^\"]*\")))* */?|/{name}) *>",
    "url": r"https?://[^ \u0009\u000a\u000c\u000d\"<>|(){}]+[^ \u0009\u000a\u000c\u000d\"<>|.!?(){},\-]",
    "bare-url": r"(www\.([^ \u0009\u000a\u000c\u000d\"<>|.!?(){},]+\.)+[a-zA-Z]{2,4}"
    r"|([^ \u0009\u000a\u000c\u000d\"`'<>|.!?(){},-_$]+\.)+(com|net|org|edu))"
    r"(/[^ \u0009\u000a\u000c\u000d\"<>|()]+[^ \u0009\u000a\u000c\u000d\"<>|.!?(){},\-])?",
    "in-host": r"[^ \u0009\u000a\u000c\u000d\"<>|(){}.\u00a0]",
    "email": r"(&lt;|<)?[a-zA-Z0-9][^ \u0009\u000a\u000c\u000d\"<>|(){}\u00a0]*@({in-host}+\.)*{in-host}+(&gt;|>)?",
    "file": r"({letter}|{digit})+(\.({letter}|{digit})+)*\.(bat|bmp|c|class|cgi|cpp|dll|docx?|exe|gif|gz"
    r"|h|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|wav|x|xml|zip)",
    # Abbreviations, by what usually follows: small letters, a name, a number.
    "initials": r"[A-Za-z](\.[A-Za-z])+|(Canada|Sino|Korean|EU|Japan|non)-U\.S|U\.S\.-(U\.K|U\.S\.S\.R)",
    "shortened": r"(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu|Thurs|Fri"
    r"|Ala|Ariz|[A]z|[A]rk|Calif|Colo|Conn|Ct|Dak|[D]el|Fla|Ga|[I]ll|Ind|Kans?|Ky|[L]a|[M]ass|Md|Mich|Minn|[M]iss|Mo|Mont"
    r"|Neb|Nev|Okla|[O]re|[P]a|Penn|Tenn|[T]ex|Va|Vt|[W]ash|Wisc?|Wyo"
    r"|Inc|Cos?|Corp|Pp?t[ye]s?|Ltd|Plc|Rt|Bancorp|Bhd|Assn|Univ|Intl|Sys|Blvd|Rd|Bldg"
    r"|Jr|Sr|Bros|(Ed|Ph)\.D|Esq|tel|est|ext|sq|etc|al|seq)\.",
    "title": r"Mr|Mrs|Ms|[M]iss|Drs?|Profs?|Sens?|Reps?|Attys?|Lt|Col|Gen|Messrs|Govs?|Adm|Rev|Maj|Sgt|Cpl|Pvt|Capt"
    r"|Ste?|Ave|Pres|Lieut|Hon|Brig|Co?mdr|Pfc|Spc|Supts?|Det|Mt|Ft|Adj|Adv|Asst|Assoc|Ens|Insp|Mlle|Mme|Msgr|Sfc"
    r"|vs|Alex|Wm|Jos|Cie|a\.k\.a|cf|TREAS|Ph|Invt|Elec|Natl|M[ft]g|Dept|[A-Za-z]|{initials}",
    "before-number": r"(ca|figs?|prop|nos?|art|bldg|pp|op)\.",
    "opener": r"([A]bout|[A]ccording|[A]dditionally|[A]fter|[A]n|[A]s?|[A]t|[B]ut|[E]arlier|[H]er?|[H]ere"
    r"|[H]owever|[I]f|[I]n|[I]t|[L]ast|[M]any|[M]ore|[M]r\.|[M]s\.|[N]ow|[O]nce|[O]ne|[O]ther|[O]ur|[S]he|[S]ince"
    r"|[S]o|[S]ome|[S]uch|[T]hat|[T]he|[T]heir|[T]hen|[T]here|[T]hese|[T]hey|[T]his|[W]e|[W]hen|[W]hile|[W]hat"
    r"|[Y]et|[Y]ou|{tag})",
    # Words that keep their apostrophe.
    "with-apostrophe": r"{apostrophe}n{apostrophe}?|[lLdDjJ]{apostrophe}|(Dunkin|somethin|ol){apostrophe}"
    r"|{apostrophe}(em|till?|cause|[2-9]0s)|[A-HJ-XZn]{tick}{alpha}{alpha}+"
    r"|{alpha}+[aeiouyAEIOUY]{tick}[aeiouA-Z]{alpha}*|O{tick}o|cont'd\.?|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l"
    r"|nat'l",
}
