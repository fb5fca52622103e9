"""The reference of the site has every public name, or its build fails and says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed")
pytest.importorskip("myst_parser", reason="myst-parser is not installed")

from site_folder import build, write_site

pytestmark = [pytest.mark.docs, pytest.mark.slow]

INDEX = "# Site\n\n```{toctree}\nreference/index\n```\n"
REFERENCE = "# Reference\n\n```{toctree}\n:glob:\n\napi/shop\napi/shop.fruit*\n```\n"
PACKAGE: dict[str, str] = {
    "shop/__init__.py": '''"""A shop."""

from .fruit import Apple

__all__ = ["Apple"]
''',
    "shop/fruit.py": '''"""Fruit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PRICE", "Apple", "eat"]

#: What an apple costs.
PRICE = 3


class Apple:
    """An apple.

    Attributes:
        weight, colour: what they say
    """

    def __init__(self, weight: float, colour: str) -> None:
        self.weight, self.colour = weight, colour

    def peel(self) -> Peel:
        """Take its peel off."""
        return Peel()


class Peel:
    """Not public."""


def eat(apple: Apple, where: Path) -> None:
    """Eat an :class:`.Apple`."""
''',
}


def make(folder: Path, **changes: Any) -> tuple[int, str, Path]:
    """Build a site of that package; changes are files, with __ for / in their names."""
    files = {"index.md": INDEX, "reference/index.md": REFERENCE, **PACKAGE, **changes}
    source = write_site(
        folder, ["reference", "sphinx.ext.autosummary", "type_hints", "internal_links"], **files
    )
    result = build(source, folder / "html")
    return result.returncode, result.stderr, folder / "html"


def test_complete(tmp_path: Path) -> None:
    code, errors, html = make(tmp_path)
    assert (code, errors) == (0, "")
    fruit = (html / "reference/api/shop.fruit.html").read_text(encoding="utf-8")
    shop = (html / "reference/api/shop.html").read_text(encoding="utf-8")
    # each name is on one page, that of the shortest path, with its methods
    assert 'id="shop.fruit.PRICE"' in fruit and "What an apple costs" in fruit
    assert 'id="shop.Apple.peel"' in shop and "shop.fruit.Apple.peel" not in fruit
    assert 'href="shop.html#shop.Apple"' in fruit  # from the argument of eat, and its docstring
    # two attributes, and not one with a type
    assert "weight,\u200bcolour – what they say" in re.sub("<[^>]+>", "", shop)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '    """Eat an :class:`.Apple`."""\n',
            "    return None\n",
            "shop.fruit.eat is public and",
        ),
        (
            '        """Take its peel off."""\n',
            "",
            "shop.Apple.peel is public and has no docstring",
        ),
        ("#: What an apple costs.\n", "", "shop.fruit.PRICE is public and has no docstring"),
        (":class:`.Apple`", ":class:`.Aple`", "target not found: Aple"),
    ],
)
def test_what_is_missing(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = PACKAGE["shop/fruit.py"]
    assert text.count(old) == 1
    code, errors, _ = make(tmp_path, **{"shop/fruit.py": text.replace(old, new)})
    assert code == 1
    warnings = [line for line in errors.splitlines() if "WARNING" in line]
    assert warnings and all(message in line for line in warnings)


def test_module_in_no_list(tmp_path: Path) -> None:
    tools = '"""Tools."""\n\n__all__ = ["SAW"]\n\n#: A saw.\nSAW = 1\n'
    code, errors, _ = make(tmp_path, **{"shop/tools.py": tools})
    assert code == 1
    assert "add 'api/shop.tools' to a list of docs/reference/index.md" in errors


def test_name_that_comes_later(tmp_path: Path) -> None:
    """A new public name appears on its page by itself."""
    more = PACKAGE["shop/fruit.py"].replace('__all__ = ["PRICE"', '__all__ = ["PEAR", "PRICE"')
    code, errors, html = make(tmp_path, **{"shop/fruit.py": f"{more}\n\n#: Green.\nPEAR = 2\n"})
    assert (code, errors) == (0, "")
    assert 'id="shop.fruit.PEAR"' in (html / "reference/api/shop.fruit.html").read_text()
