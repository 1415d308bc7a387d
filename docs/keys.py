"""Write the tables of keys in cli.md from the classes themselves: ``python docs/keys.py``."""

from pathlib import Path

from collapse_theory.cli.members import everything, fields_of

BEGIN, END = "<!-- keys: written by docs/keys.py -->\n", "<!-- end of keys -->"


def tables() -> str:
    """The tables of families with their truths, workflows and generators."""
    members = everything()
    parts = [
        _table("family", members["families"]),
        _table("truth", members["families"], truth=True),
        _table("workflow", members["workflows"]),
        _table("generator", members["generators"]),
    ]
    return "\n".join(parts)


def _table(room: str, classes: tuple[type, ...], *, truth: bool = False) -> str:
    head = "`name` of the family" if truth else "`name`"
    synonyms = any(getattr(c, "synonyms", ()) for c in classes)
    columns = [head, *(["also"] if synonyms else []), "key", "type", "default"]
    lines = [f"### `[{room}]`", "", _row(columns), _row(["---"] * len(columns))]
    for cls in classes:
        first = [
            f"`{cls.__name__}`",
            *([", ".join(getattr(cls, "synonyms", ()))] if synonyms else []),
        ]
        rows = fields_of(cls.truth_type if truth else cls)
        for f in rows or [None]:
            lines.append(_row([*first, *_cells(f)]))
            first = [""] * len(first)
    return "\n".join([*lines, ""])


def _cells(field: dict | None) -> list[str]:
    if field is None:
        return ["none", "", ""]
    default = field["default"]
    told = (
        "required"
        if field["required"]
        else "left out"
        if default is None
        else f"`{_toml(default)}`"
    )
    return [f"`{field['name']}`", field["type"], told]


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k} = {_toml(v)}' for k, v in value.items())}}}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    page = Path(__file__).with_name("cli.md")
    before, rest = page.read_text().split(BEGIN)
    page.write_text(before + BEGIN + tables() + END + rest.split(END)[1])
