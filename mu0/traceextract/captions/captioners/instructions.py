"""What a source's instruction names and asks for, read with closed lists of words.

A thing is named by a determiner and the words after it, up to the next word that cannot belong to a name:
"the orange can" ends before "forward", "into" or "and". Things without a determiner are not guessed.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DETERMINERS = _words(
    "a an the this that these those some any my your our their his her its one two three four both another"
)
PREPOSITIONS = _words(
    "to toward towards into in inside within on onto upon from with without of off out at by over under "
    "underneath above below beneath behind before beside between among near next through across along "
    "around against past via for till until"
)
CLAUSES = _words("and or but then while when after so that which using is are it them until before as if")
WAYS = _words(
    "up down forward forwards backward backwards back away aside apart together upwards downwards upward "
    "downward sideways leftward leftwards rightward rightwards clockwise counterclockwise anticlockwise "
    "elsewhere somewhere anywhere here there again once twice home closer further farther upright vertically "
    "horizontally slowly carefully gently quickly fully completely slightly halfway open shut closed "
    "please now first"
)
SIDES = _words("left right")  # they end a name, or begin one: "the left drawer"
QUALITIES = _words(
    "red orange yellow green blue purple violet pink brown black white grey gray golden silver small large "
    "big little tiny tall short long round square light dark"
)
ENDS = DETERMINERS | PREPOSITIONS | CLAUSES | WAYS
LONGEST = 4
HANDLING = _words(
    "pick put place move take grasp grab lift bring transfer stack carry drop set insert return "
    "tidy sort collect fetch"
)
WORD = re.compile(r"[\w'-]+|[.,;:!?]")


def objects_of(task: str) -> tuple[str, ...]:
    """The things an instruction names with a determiner, such as "red cube" and "bowl"."""
    words = WORD.findall(task.lower())
    names = [_name(words[place + 1 :]) for place, word in enumerate(words) if word in DETERMINERS]
    return tuple(dict.fromkeys(name for name in names if name))


def is_handling(task: str) -> bool:
    """Whether an instruction asks for something to be picked up and put down."""
    return any(word in HANDLING for word in WORD.findall(task.lower()))


def _name(words: list[str]) -> str:
    """The name at the beginning of some words; empty if there is none."""
    name: list[str] = []
    for place, word in enumerate(words):
        is_joined = word in ("and", "or") and bool(name) and set(name) <= QUALITIES
        is_side = word in SIDES and bool(name) and not name[-1].endswith("'s")
        ends_here = is_side or word in ENDS or not word[0].isalnum()
        if (ends_here and not (is_joined and words[place + 1 : place + 2])) or len(name) > LONGEST:
            break
        name.append(word)
    return " ".join(name) if len(name) <= LONGEST else ""
