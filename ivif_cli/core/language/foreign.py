"""Which language a text is written in, told by the words that hold sentences together."""

from collections.abc import Mapping

from ivif_cli.core.language.tokenizer import look_up

_WORDS = {
    "German": """
        der die das ein eine einen einem eines und oder nicht kein keine ist sind mit ohne im auf für mehr
        weniger soll sollen bild mach mache bitte den dem des zu von aus wie auch sehr heller dunkler hell
        dunkel
        """,
    "French": """
        le la les un une des du de et ou ne pas plus moins avec sans dans pour sur est sont qui que il elle nous
        vous image claire clair sombre très rendre faire montrez au aux ce cette
        """,
    "Spanish": """
        el la los las un una unos y o no más menos con sin en para por es son que del al se imagen clara claro
        oscura muy haz hacer mostrar quiero de
        """,
    "Italian": """
        il lo la gli le un una e o non più meno con senza in per di del della che è sono immagine chiara chiaro
        scuro molto fai rendi mostra nel alla i
        """,
    "Portuguese": """
        o a os as um uma e ou não mais menos com sem em para por de do da que é são imagem clara claro escura
        muito faça mostrar no na
        """,
    "Dutch": """
        de het een en of niet geen is zijn met zonder in op voor meer minder maak beeld graag van te uit ook
        zeer helder donker
        """,
    "English": """
        the a an and or not no is are be it with without in on at to of for from this that these should would make
        more less very do i we you show keep let give want please but as image picture
        """,
}
FUNCTION_WORDS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
"""Language -> words that hold its sentences together."""
ENGLISH = FUNCTION_WORDS.pop("English")


def foreign_language(words: list[str], table: Mapping[str, int]) -> str | None:
    """The language of a text that is not English, "another" where none of the known ones fits; None for English.

    A text is foreign where another language's function words outnumber English ones and a word is unknown or they hold
    most of the text together, or where most words are of another script.
    """
    if not words:
        return None
    scripts = [word for word in words if not word.isascii()]
    counts = {language: sum(word in known for word in words) for language, known in FUNCTION_WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    english = sum(word in ENGLISH for word in words)
    missing = sum(not look_up(word, table) for word in words)
    if counts[best] > english and (missing or scripts or counts[best] >= 2):
        return best
    return "another" if len(scripts) * 2 > len(words) else None
